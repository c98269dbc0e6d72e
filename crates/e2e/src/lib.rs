//! Tests that need the SDK and the emulator together, and the program that the checks against the Python packages
//! talk to.
