//! What the tests that need the SDK and the emulator share with the processes that they start.

pub mod portal;
pub mod storages;
