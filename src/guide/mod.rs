//! The guide: what the parts of this crate have in common, a chapter for each question.
//!
//! | you want to | chapter |
//! |---|---|
//! | use the core in an event loop of your own | [driving] |
//! | know how a connection ended, and what to do then | [closing] |
//! | send faster than the peer takes, safely | [pressure] |
//! | know what a connection costs | [memory] |
//! | receive in one task or thread and send from others | [split] |
//! | serve pages of another origin, or stand behind a proxy | [origins] |
//!
//! The chapters are part of the documentation only. A program that uses this crate compiles none of them.

#[doc = include_str!("driving.md")]
pub mod driving {}

#[doc = include_str!("closing.md")]
pub mod closing {}

#[doc = include_str!("pressure.md")]
pub mod pressure {}

#[doc = include_str!("memory.md")]
pub mod memory {}

#[doc = include_str!("split.md")]
pub mod split {}

#[doc = include_str!("origins.md")]
pub mod origins {}
