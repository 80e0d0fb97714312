//! `quarry simulate-bedrock`: the simulator as a process.

use crate::command::Workplace;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// Ends the process when the test ends.
pub(crate) struct Process(Child);

/// Starts the simulator. Returns its process and its address.
pub(crate) fn simulator() -> (Process, String) {
    let mut process = Process(
        Command::new(env!("CARGO_BIN_EXE_quarry"))
            .args(["simulate-bedrock", "--s3", "http://127.0.0.1:9"])
            .args(["--listen", "127.0.0.1:0", "--seconds-per-status", "1"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the command starts"),
    );
    let mut line = String::new();
    BufReader::new(process.0.stdout.take().expect("a pipe"))
        .read_line(&mut line)
        .expect("a line");
    let address = line
        .trim_end()
        .strip_prefix("listening on http://")
        .unwrap_or_else(|| panic!("{line}"));
    (process, address.to_owned())
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The first line names the address, and Bedrock's API responds there.
#[test]
fn says_where_it_listens_and_responds_there() {
    let (_process, address) = simulator();
    let mut connection = TcpStream::connect(address).expect("a connection");
    connection
        .write_all(
            b"GET /model-invocation-jobs HTTP/1.1\r\nHost: bedrock\r\nConnection: close\r\n\r\n",
        )
        .expect("the request is sent");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.ends_with(r#"{"invocationJobSummaries":[]}"#),
        "{answer}"
    );
}

/// The arguments are checked before the process listens.
#[test]
fn refuses_faults_that_it_does_not_know() {
    let workplace = Workplace::new();
    workplace.file("faults.json", r#"{"jobs": [{"job": 0, "kind": "burn"}]}"#);
    let ran = workplace.quarry("simulate-bedrock --s3 http://127.0.0.1:9 --faults faults.json");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stderr.contains("faults.json"), "{ran:?}");
    let ran = workplace.quarry("simulate-bedrock");
    assert_eq!(ran.code, 2, "{ran:?}");
}

/// Otherwise only the first job would show the error.
#[test]
fn refuses_an_s3_server_that_is_not_an_address() {
    let workplace = Workplace::new();
    for url in ["nowhere", "http://", "ftp://127.0.0.1:9", "127.0.0.1:9"] {
        let ran = workplace.quarry(&format!("simulate-bedrock --s3 {url} --listen 127.0.0.1:0"));
        assert_eq!(ran.code, 2, "{url}: {ran:?}");
        assert!(
            ran.stderr.contains(url) && ran.stderr.contains("http://"),
            "{}",
            ran.stderr
        );
    }
}

/// A user who only wants to know the address may close the pipe.
#[cfg(unix)]
#[test]
fn continues_when_its_output_is_no_longer_read() {
    let workplace = Workplace::new();
    let ran = workplace.shell(
        "timeout 3 bash -c \"$(declare -f quarry); quarry simulate-bedrock --s3 http://127.0.0.1:9 \
         --listen 127.0.0.1:0\" | true; echo ${PIPESTATUS[0]}",
    );
    assert_eq!(ran.stdout, "124\n", "{ran:?}");
}
