//! What is printed, and where a process's peak of memory is read.

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Prints a figure as one line of JSON.
pub fn print(figure: &Value) {
    println!("{figure}");
}

/// Many measurements of one thing.
pub fn spread(name: &str, unit: &str, mut values: Vec<f64>) -> Value {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    json!({
        "name": name,
        "unit": unit,
        "median": f64::midpoint(low, high),
        "min": values[0],
        "max": values[values.len() - 1],
        "n": values.len(),
        "runtime": "tokio current_thread",
    })
}

/// The most memory that this process ever had, in MiB.
pub fn peak_memory() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("reading /proc/self/status")?;
    let kibibytes: u32 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok())
        .context("there is no VmHWM in /proc/self/status")?;
    Ok(f64::from(kibibytes) / 1024.0)
}
