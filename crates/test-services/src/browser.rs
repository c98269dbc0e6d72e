//! Chromium without a window, driven through `chromedriver` on a free port.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Runs the driver until the standard input ends. So neither it nor its browsers, which are all in the group that it
/// leads, outlive the test, however that ends.
const KEEPER: &str = r#"
trap 'kill -s TERM -- -$driver' EXIT
trap 'exit' TERM INT HUP
setsid "$@" & driver=$!
read -r _
"#;

/// A driver, which starts browsers.
#[derive(Debug)]
pub struct ChromeDriver {
    url: String,
    keeper: Child,
    profile: TempDir,
}

impl ChromeDriver {
    /// Starts the driver.
    pub fn start() -> Self {
        for program in ["chromium", "chromedriver"] {
            let version =
                Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            assert!(
                version.is_ok_and(|status| status.success()),
                "this test needs the program {program}: install both it and its partner \
                 (`apt-get install chromium chromium-driver`)"
            );
        }
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "sh", "chromedriver", "--port=0"]);
        let mut keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = keeper.stdout.take().expect("it is piped");
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let port = lines.find_map(|line| {
            Some(line.split_once("started successfully on port ")?.1.trim_end_matches('.').to_owned())
        });
        let port = port.expect("chromedriver says on which port it listens");
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { url: format!("http://127.0.0.1:{port}"), keeper, profile: tempfile::tempdir().unwrap() }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The arguments that a browser needs here: no window, a profile of its own, nothing asked of anybody but this
    /// machine. Tests run as root, where Chromium has no sandbox to offer.
    pub fn arguments(&self) -> Vec<String> {
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        let fixed = [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--no-first-run",
            "--no-proxy-server",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
        ];
        fixed.map(str::to_owned).into_iter().chain([profile]).collect()
    }
}

impl Drop for ChromeDriver {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
    }
}
