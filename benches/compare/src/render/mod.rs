//! A [`Report`](crate::report::Report) for people: a table for the terminal, `compare.md`, and a page with plots.

mod escape;
mod heat;
pub mod html;
pub mod markdown;
pub mod palette;
pub mod plots;
mod rows;
#[cfg(test)]
mod sample;
mod summary;
pub mod table;
mod units;

pub use html::html;
pub use markdown::markdown;
pub use table::text;
