//! What one would write without this crate: a work queue, pull consumers, batches of a fixed size, results on a core
//! subject, and a window with a reorder buffer. It survives the death of a worker, and nothing else.

use async_nats::jetstream::{self, consumer, stream};
use futures::StreamExt;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How many items it puts into a message.
pub const BATCH: u64 = 64;

/// How many messages are on their way.
const WINDOW: usize = 1024;

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

async fn queue(client: &async_nats::Client) -> super::Result<consumer::PullConsumer> {
    let context = jetstream::new(client.clone());
    let stream = context
        .get_or_create_stream(stream::Config {
            name: "hand".into(),
            subjects: vec!["hand.work".into()],
            retention: stream::RetentionPolicy::WorkQueue,
            storage: stream::StorageType::Memory,
            ..Default::default()
        })
        .await?;
    let config = consumer::pull::Config {
        durable_name: Some("hand".into()),
        max_ack_pending: 100_000,
        ..Default::default()
    };
    Ok(stream.create_consumer(config).await?)
}

/// Maps `0..items` with the function that does nothing, and tells the items a second.
pub fn master(url: &str, items: u64, batch: u64) -> super::Result<f64> {
    runtime()?.block_on(async {
        let client = async_nats::connect(url).await?;
        queue(&client).await?;
        let context = jetstream::new(client.clone());
        let mut results = client.subscribe("hand.result").await?;
        let began = Instant::now();
        let (mut sent, mut expected, mut on_their_way) = (0, 0, 0);
        let mut early: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        while expected < items {
            while sent < items && on_their_way < WINDOW {
                let end = (sent + batch).min(items);
                let message = postcard::to_stdvec(&(sent..end).collect::<Vec<u64>>())?;
                // The answer of the server is not waited for, as it is not in the crate.
                drop(context.publish("hand.work", message.into()).await?);
                (sent, on_their_way) = (end, on_their_way + 1);
            }
            let Some(message) = results.next().await else { return Err("the connection is lost".into()) };
            let values: Vec<u64> = postcard::from_bytes(&message.payload)?;
            on_their_way -= 1;
            early.insert(values[0], values);
            while let Some(values) = early.remove(&expected) {
                for value in values {
                    if value != expected {
                        return Err("wrong result".into());
                    }
                    expected += 1;
                }
            }
        }
        Ok(items as f64 / began.elapsed().as_secs_f64())
    })
}

/// Works until it is killed.
pub fn worker(url: &str, batch: u64) -> super::Result<()> {
    runtime()?.block_on(async {
        let client = async_nats::connect(url).await?;
        let consumer = queue(&client).await?;
        let mut messages =
            consumer.stream().max_messages_per_batch(if batch == 1 { 500 } else { 100 }).messages().await?;
        while let Some(message) = messages.next().await {
            let Ok(message) = message else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let values: Vec<u64> = postcard::from_bytes(&message.payload)?;
            let values: Vec<u64> = values.into_iter().map(std::hint::black_box).collect();
            client.publish("hand.result", postcard::to_stdvec(&values)?.into()).await?;
            message.ack().await.map_err(|error| error.to_string())?;
        }
        Ok(())
    })
}
