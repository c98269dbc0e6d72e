//! The program `globus-emulator`: the library's emulator for shells and for programs in other languages.

mod command;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::run()
}
