//! Reading the machine and the project: probes and the build context, with no opinion on them.

pub mod walk;
