//! The command line: what can be asked for, and how the answer leaves the program.

mod ending;
mod env;
mod output;
mod quoting;
mod ready;
mod serve;

use std::error::Error;
use std::process::ExitCode;

use clap::{ArgAction, Parser, Subcommand};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

const EXAMPLES: &str = "\
Examples:
  Serve two directories; the first line on stdout says where:
      globus-emulator serve --collection laptop=./laptop --collection cluster=./cluster

  Keep ids, secrets and tokens from one start to the next, at an address that can be typed:
      globus-emulator serve --port 8080 --open --data-dir ./emulator --collection laptop=./laptop

  Point the clients of this shell at a running emulator:
      eval \"$(globus-emulator env --control \"$control_url\")\"";

/// A local stand-in for the Globus services: real OAuth2, real files, no account, no network.
#[derive(Parser)]
#[command(name = "globus-emulator", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Say more on stderr: -v every request, -vv also connections that end early.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Env(env::Arguments),
}

/// Does what the command line asks. The status is 0, 2 when the command line is wrong, or 1 when it could not
/// be done.
pub(crate) fn run() -> ExitCode {
    let arguments = match parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help goes to stdout. If nobody reads it there is nobody to tell.
            drop(error.print());
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    match execute(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::failure(&*error);
            ExitCode::FAILURE
        }
    }
}

fn parse() -> Result<Arguments, clap::Error> {
    let arguments = Arguments::try_parse()?;
    if let Command::Serve(serve) = &arguments.command {
        serve.check()?;
    }
    Ok(arguments)
}

fn execute(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    log_to_stderr(arguments.verbose)?;
    match arguments.command {
        Command::Serve(arguments) => Ok(serve::run(&arguments)?),
        Command::Env(arguments) => Ok(env::run(&arguments)?),
    }
}

fn log_to_stderr(verbose: u8) -> Result<(), Box<dyn Error>> {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // Other crates do not know which parts of a request are secret.
    let own = Targets::new().with_target("globus_emulator", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(own);
    Ok(tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines))?)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Arguments::command().debug_assert();
    }
}
