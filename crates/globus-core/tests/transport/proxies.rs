//! Proxies: taken from the environment, but never for this machine. The environment of a process cannot be
//! changed in a test, so the tests run themselves again in a process that has the variables.

use std::process::Command;

use globus_core::transport::TransportErrorKind::{Connect, Proxy};

use crate::server::{LONG, answering, get, transport};

/// Marks the inner process.
const INSIDE: &str = "TRANSPORT_TEST_INSIDE";

/// Runs the test of this name again with these variables; true when this is that run.
fn is_inside(name: &str, variables: &[(&str, &str)]) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture"]).env(INSIDE, "1");
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(variable).env_remove(variable.to_lowercase());
    }
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    false
}

// Nothing listens there.
const DEAD: &str = "http://127.0.0.1:1";

#[test]
fn this_machine_is_never_reached_through_a_proxy() {
    let variables = [("http_proxy", DEAD), ("HTTP_PROXY", DEAD), ("ALL_PROXY", DEAD)];
    if is_inside("proxies::this_machine_is_never_reached_through_a_proxy", &variables) {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
            let address = answering(answer).await;
            for address in [address.clone(), address.replace("127.0.0.1", "localhost")] {
                assert_eq!(get(&transport(LONG), &address).await.unwrap().1, b"ok");
            }
            // Elsewhere the proxy is used, and so fails.
            let kind = get(&transport(LONG), "http://service.invalid/").await.unwrap_err();
            assert!(matches!(kind, Connect | Proxy), "{kind:?}");
        });
    }
}

#[test]
fn a_proxy_that_refuses_is_told_as_one() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let proxy = runtime.block_on(answering(refusal));
    let variables = [("HTTPS_PROXY", proxy.trim_end_matches("/x"))];
    if is_inside("proxies::a_proxy_that_refuses_is_told_as_one", &variables) {
        let answer = runtime.block_on(get(&transport(LONG), "https://service.invalid/"));
        assert_eq!(answer.unwrap_err(), Proxy);
    }
}
