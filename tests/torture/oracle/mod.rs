//! The oracle: it makes up orders, sends them, is the vendor that they end at, and keeps account of
//! what was promised for each of them and what became of that.

mod ledger;
mod load;
mod vendor;
mod wire;

pub(crate) use ledger::{Account, Ledger, sum_of};
pub(crate) use load::{Load, Sample, paced, post};
pub(crate) use vendor::{Act, Arrival, Vendor};
pub(crate) use wire::Wire;
