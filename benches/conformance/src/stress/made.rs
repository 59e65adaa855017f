//! What an imap is made of, and the ways to make it.

use super::code::{Body, Source};
use super::oracle::Ret;
use super::pool::Pool;
use super::scenario::{Entrance, Plan};
use super::values::Value;
use super::watch::Watch;
use crate::subject::AnyPool;
use pool_core::{Executor, Imap, IterExt};
use std::sync::Arc;

/// What an imap is made of.
pub(super) struct Made {
    pub plan: Arc<Plan>,
    pub watch: Arc<Watch>,
    pub source: Source,
    pub body: Body,
}

pub(super) fn make(plan: &Plan, pool: &Pool, waits: bool) -> Made {
    let plan = Arc::new(plan.clone());
    let watch = Arc::new(Watch::new(&plan, pool.threads, waits, &pool.ledger));
    let source = Source::new(&plan, &watch, &pool.ledger);
    let body = Body::new(&plan, &watch, &pool.ledger, &pool.pool);
    Made { plan, watch, source, body }
}

/// Makes the imap, which borrows nothing but perhaps the pool.
pub(super) fn enter<'p>(
    items: impl Iterator<Item = Value> + Send + 'static,
    body: Body,
    plan: &Plan,
    pool: &'p Arc<AnyPool>,
) -> Imap<'p, Ret> {
    let init = body.init();
    let with_state = move |body: Body| move |_: &mut Value, item| body.run(item);
    match (plan.entrance, plan.state) {
        (Entrance::Owned, _) => pool.clone().into_imap(items, move |item| body.run(item)),
        (Entrance::OfItems, true) => items.imap_init(pool.clone(), init, with_state(body)),
        (Entrance::OfItems, false) => items.imap(pool.clone(), move |item| body.run(item)),
        (_, true) => pool.imap_init(items, init, with_state(body)),
        (_, false) => pool.imap(items, move |item| body.run(item)),
    }
}
