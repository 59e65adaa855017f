//! What a wrapper of an imap can do as the imap can.

/// The methods of an imap that its wrappers have, too, whose field `inner` is of this type.
macro_rules! access_inner {
    ($imap:ty) => {
        /// The imap, as a reference.
        pub fn get_ref(&self) -> &$imap {
            &self.inner
        }

        /// The imap. Nothing is lost: it goes on with the same item.
        pub fn into_inner(self) -> $imap {
            self.inner
        }

        /// As [`Imap::start`](crate::Imap::start).
        pub fn start(self) -> Self {
            let inner = self.inner.start();
            Self { inner, ..self }
        }

        /// As [`Imap::cancel_with`](crate::Imap::cancel_with).
        pub fn cancel_with(self, token: &crate::CancelToken) -> Self {
            let inner = self.inner.cancel_with(token);
            Self { inner, ..self }
        }

        /// As [`Imap::cancel_token`](crate::Imap::cancel_token).
        pub fn cancel_token(&self) -> crate::CancelToken {
            self.inner.cancel_token()
        }

        /// As [`Imap::is_cancelled`](crate::Imap::is_cancelled).
        pub fn is_cancelled(&self) -> bool {
            self.inner.is_cancelled()
        }

        /// As [`Imap::next_index`](crate::Imap::next_index).
        pub fn next_index(&self) -> u64 {
            self.inner.next_index()
        }

        /// As [`Imap::stats`](crate::Imap::stats).
        pub fn stats(&self) -> crate::ImapStats {
            self.inner.stats()
        }
    };
}
pub(super) use access_inner;
