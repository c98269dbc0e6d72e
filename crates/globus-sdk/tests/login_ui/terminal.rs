//! Logins in a process of its own, whose standard input and error output are a terminal or are not.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use globus_sdk::login::{LoginUi, PasteLogin};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

use crate::playback::Playback;
use crate::support::{request, sent_code, tokens};

const HERE: &str = "GLOBUS_TEST_LOGIN_IN_THIS_PROCESS";

/// What the other process does.
#[expect(clippy::print_stdout, reason = "the first process reads it")]
fn log_in() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let playback = Playback::new([tokens()]);
    match runtime.block_on(PasteLogin::new().log_in(&request(&playback))) {
        Ok(_) => println!("ended with {}", sent_code(&playback)),
        Err(error) => println!("ended, person needed {}: {error}", error.is_person_needed()),
    }
}

fn start(test: &str, input: Stdio, errors: Stdio) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("terminal::{test}"), "--nocapture"])
        .env(HERE, "1")
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(errors)
        .spawn()
        .unwrap()
}

/// What it wrote to its standard output.
fn output(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("https://"), "a pipeline's data stays clean: {said}");
    said
}

/// A terminal: the end of who sits at it, and the end of the program.
fn terminal() -> (File, OwnedFd) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let person = openpt(flags).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let program = ioctl_tiocgptpeer(&person, flags).unwrap();
    (person.into(), program)
}

#[test]
fn at_a_terminal_the_code_is_asked_for() {
    if std::env::var_os(HERE).is_some() {
        return log_in();
    }
    let (mut person, program) = terminal();
    let input = program.try_clone().unwrap().into();
    let child = start("at_a_terminal_the_code_is_asked_for", input, program.into());
    let mut shown = String::new();
    while !shown.ends_with(": ") {
        let mut bytes = [0; 1024];
        let length = person.read(&mut bytes).unwrap();
        shown.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
    }
    assert!(shown.contains("\r\nhttps://auth.globus.org/v2/oauth2/authorize?"), "{shown}");
    person.write_all(b"  CODE \n").unwrap();
    assert!(output(child).contains("ended with CODE"));
}

/// The input is a pipe that nobody writes to and nobody closes: who read it would wait for ever.
#[test]
fn an_input_that_is_no_terminal_is_not_read() {
    if std::env::var_os(HERE).is_some() {
        return log_in();
    }
    let (_person, program) = terminal();
    let mut child = start("an_input_that_is_no_terminal_is_not_read", Stdio::piped(), program.into());
    let input = child.stdin.take();
    let said = output(child);
    drop(input);
    assert!(
        said.contains("ended, person needed true: a person has to log in: there is no terminal"),
        "{said}"
    );
    assert!(said.contains("(standard input)") && said.contains("finish it elsewhere"), "{said}");
}

#[test]
fn an_address_that_nobody_would_see_is_not_written() {
    if std::env::var_os(HERE).is_some() {
        return log_in();
    }
    let (_person, program) = terminal();
    let mut child = start("an_address_that_nobody_would_see_is_not_written", program.into(), Stdio::piped());
    let mut errors = child.stderr.take().unwrap();
    let said = output(child);
    assert!(said.contains("ended, person needed true") && said.contains("(standard error output)"), "{said}");
    let mut written = String::new();
    errors.read_to_string(&mut written).unwrap();
    assert!(!written.contains("https://"), "{written}");
}
