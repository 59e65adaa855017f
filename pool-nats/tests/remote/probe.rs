//! A client of a test's own, that looks at the server and plays the stranger.

use async_nats::{ConnectOptions, jetstream};
use futures::StreamExt;
use std::time::Duration;
use tokio::runtime::Runtime;

pub struct Probe {
    runtime: Runtime,
    pub client: async_nats::Client,
}

impl Probe {
    pub fn new(url: &str) -> Probe {
        Probe::with(url, ConnectOptions::new())
    }

    pub fn with(url: &str, options: ConnectOptions) -> Probe {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = runtime.block_on(options.connect(url)).unwrap();
        Probe { runtime, client }
    }

    /// How many messages the stream has, if there is one.
    pub fn messages(&self, namespace: &str) -> Option<u64> {
        self.runtime.block_on(async {
            let context = jetstream::new(self.client.clone());
            let stream = context.get_stream(namespace).await.ok()?;
            Some(stream.cached_info().state.messages)
        })
    }

    pub fn consumers(&self, namespace: &str) -> Option<usize> {
        self.runtime.block_on(async {
            let context = jetstream::new(self.client.clone());
            let stream = context.get_stream(namespace).await.ok()?;
            Some(stream.cached_info().state.consumer_count)
        })
    }

    /// The consumer whose name begins like this.
    pub fn consumer_of(&self, namespace: &str, begins: &str) -> String {
        self.runtime.block_on(async {
            let context = jetstream::new(self.client.clone());
            let stream = context.get_stream(namespace).await.unwrap();
            let names: Vec<_> = stream.consumer_names().map(Result::unwrap).collect().await;
            names.into_iter().find(|name| name.starts_with(begins)).expect("there is one")
        })
    }

    /// In the background, until the probe is dropped.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(future);
    }

    /// Publishes, and waits until the server has it.
    pub fn publish(&self, subject: &str, payload: Vec<u8>) {
        self.runtime.block_on(async {
            self.client.publish(subject.to_owned(), payload.into()).await.unwrap();
            self.client.flush().await.unwrap();
        });
    }

    /// From now on, sends every message of these subjects once more. Returns when it listens. The probe must not hear
    /// itself.
    pub fn echo(&self, subjects: &str) {
        let client = self.client.clone();
        let mut messages = self.runtime.block_on(async {
            let messages = client.subscribe(subjects.to_owned()).await.unwrap();
            client.flush().await.unwrap();
            messages
        });
        self.runtime.spawn(async move {
            while let Some(message) = messages.next().await {
                client.publish(message.subject, message.payload).await.unwrap();
            }
        });
    }

    /// Listens from now on, and gives the subject of the first message when it is asked.
    pub fn listen(&self, subjects: &str) -> impl FnOnce() -> String {
        let messages = self.runtime.block_on(async {
            let messages = self.client.subscribe(subjects.to_owned()).await.unwrap();
            self.client.flush().await.unwrap();
            messages
        });
        move || {
            self.runtime.block_on(async move {
                // Dropped in here, where it can end its subscription.
                let mut messages = messages;
                let next = tokio::time::timeout(Duration::from_secs(20), messages.next());
                next.await.expect("a message comes").unwrap().subject.to_string()
            })
        }
    }

    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}
