//! globus-examples
