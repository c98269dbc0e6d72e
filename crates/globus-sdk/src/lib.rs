//! globus-sdk
