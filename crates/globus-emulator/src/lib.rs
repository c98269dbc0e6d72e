//! globus-emulator
