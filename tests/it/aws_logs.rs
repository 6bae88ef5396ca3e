//! `zappa tail` on AWS: nothing lost and nothing twice, over pages, streams and late comers.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc;

use serde_json::{Value, json};

use crate::aws_deploy::stage::Stage;
use crate::support::aws::{Call, Fault};

/// Puts events into the log group, each `(stream, milliseconds before now, text)`.
const PUT: &str = r"
import boto3, json, os, time
logs, group = boto3.client('logs'), os.environ['GROUP']
now = int(time.time() * 1000)
try:
    logs.create_log_group(logGroupName=group)
except logs.exceptions.ResourceAlreadyExistsException:
    pass

def put(stream, events):
    try:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    except logs.exceptions.ResourceAlreadyExistsException:
        pass
    for batch in batched(events):
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[{'timestamp': now - ago, 'message': text} for ago, text in batch])

def batched(events):
    events = list(events)
    return [events[start:start + 9000] for start in range(0, len(events), 9000)]
";

fn python(stage: &Stage, script: &str) {
    let mut command = stage.aws.python(&format!("{PUT}\n{script}"));
    let output = command.env("GROUP", format!("/aws/lambda/{}", stage.name)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// All that there is, as `tail --json` prints it.
fn events(stage: &Stage, flags: &[&str]) -> Vec<Value> {
    let args = ["tail", "dev", "--no-follow", "--json"].iter().chain(flags).copied().collect::<Vec<_>>();
    stage.run(&args).expect_code(0).stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn texts(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["text"].as_str().unwrap()).collect()
}

/// A running `zappa tail dev --json`. Killed when dropped.
struct Tail {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Tail {
    fn new(stage: &Stage) -> Self {
        let mut child = stage.project.command(["tail", "dev", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn text(&mut self) -> String {
        let event: Value = serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap();
        event["text"].as_str().unwrap().to_owned()
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn pages_and_streams_come_whole() {
    let stage = Stage::new("pages", "");
    // All in one millisecond, and the same words again and again.
    python(&stage, "put('a', ((5, f'line {n % 7}') for n in range(11000)))\nput('b', ((5, f'other {n}') for n in range(2000)))");
    stage.aws.fault(Fault::throttle().on("logs:FilterLogEvents").times(1));
    let told = stage.project.zappa(["tail", "dev", "--no-follow", "--json"]).expect_code(0).stdout;
    let mut texts: Vec<String> =
        told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["text"].as_str().unwrap().to_owned()).collect();
    texts.sort();
    let mut expected: Vec<String> = (0..11_000).map(|n| format!("line {}", n % 7)).chain((0..2000).map(|n| format!("other {n}"))).collect();
    expected.sort();
    assert!(texts == expected, "{} of {}", texts.len(), expected.len());
    let pages = stage.aws.calls().iter().filter(|call| call.operation == "FilterLogEvents" && call.status == Some(200)).count();
    assert_eq!(pages, 2);
}

#[test]
fn what_is_followed_comes_once_however_late() {
    let stage = Stage::new("follow", "");
    python(&stage, "put('a', [(20000, 'first'), (1000, 'second')])");
    let mut tail = Tail::new(&stage);
    assert_eq!([tail.text(), tail.text()], ["first", "second"]);
    // Older than what has been shown, in a stream that nobody knew of; and as old as what has been shown.
    python(&stage, "put('b', [(15000, 'late'), (15000, 'late'), (14000, 'later')])");
    assert_eq!([tail.text(), tail.text(), tail.text()], ["late", "late", "later"]);
    python(&stage, "put('a', [(0, f'burst {n}') for n in range(3000)])\nput('b', [(10, 'meanwhile')])");
    let mut burst: Vec<String> = (0..3001).map(|_| tail.text()).collect();
    burst.sort();
    let mut expected: Vec<String> = (0..3000).map(|n| format!("burst {n}")).chain(["meanwhile".to_owned()]).collect();
    expected.sort();
    assert_eq!(burst, expected);
    python(&stage, "put('c', [(0, 'last')])");
    assert_eq!(tail.text(), "last", "nothing came twice in between");
}

#[test]
fn a_log_that_is_not_there_yet_is_waited_for() {
    let stage = Stage::new("later", "");
    let refused = stage.run(&["tail", "dev"]).expect_code(2);
    assert!(refused.stderr.contains("`later-dev` is not deployed"), "{}", refused.stderr);
    stage.run(&["deploy"]).expect_code(0);
    python(&stage, "logs.delete_log_group(logGroupName=group)");
    assert!(events(&stage, &[]).is_empty());
    stage.aws.clear();
    let mut tail = Tail::new(&stage);
    let looked = || stage.aws.calls().iter().filter(|call| call.operation == "FilterLogEvents").count() > 1;
    crate::support::eventually("a second look", looked);
    python(&stage, "put('a', [(0, 'here')])");
    assert_eq!(tail.text(), "here");
}

#[test]
fn lines_belong_to_requests() {
    let stage = Stage::new("requests", "");
    stage.run(&["deploy"]).expect_code(0);
    let invoked = stage.run(&["invoke", "dev", "app.task", "--payload", "{\"what\": \"it\"}"]).expect_code(0);
    assert_eq!(invoked.json(), json!({ "did": "it" }));
    assert_eq!(invoked.stderr, "working\n", "what it wrote, without the platform's lines");
    let all = events(&stage, &[]);
    let working = all.iter().find(|event| event["text"] == "working").unwrap();
    assert_eq!(working["kind"], "function");
    let id = working["request_id"].as_str().unwrap();
    let request = events(&stage, &["--request", &id[..8]]);
    let words: Vec<&str> = texts(&request).into_iter().map(|text| text.split(' ').next().unwrap()).collect();
    assert_eq!(words, ["START", "working", "END", "REPORT"]);
    assert_eq!(texts(&events(&stage, &["--filter", "ork", "--filter", "ing"])), ["working"], "any part of it");
    assert!(events(&stage, &["--filter", "WORKING"]).is_empty(), "as it is written");

    // The forms in which Lambda says it, and two environments at once.
    let id = "6f5ff4e5-2b0d-4b5e-9f3b-0f6a4f4d7a01";
    let other = "6f5ff4e5-2b0d-4b5e-9f3b-0f6a4f4d7a02";
    python(
        &stage,
        &format!(
            "put('x', [(9, 'START RequestId: {id} Version: 1'), (7, 'plain'), (5, '[INFO]\\t2026-01-31T12:00:00.000Z\\t{id}\\tlogged\\n')])\n\
             put('y', [(8, 'START RequestId: {other} Version: 1'), (6, 'plain too'), (4, '2026-01-31T12:00:00.000Z {other} Task timed out after 3.00 seconds\\n\\n')])\n\
             put('y', [(3, 'REPORT RequestId: {other}\\tDuration: 1 ms'), (2, 'between'), (1, json.dumps({{'message': 'x', 'requestId': '{id}'}}))])"
        ),
    );
    let ids = |id: &str| {
        texts(&events(&stage, &["--request", id])).into_iter().map(|text| text.chars().take(20).collect::<String>()).collect::<Vec<_>>()
    };
    assert_eq!(ids(id), ["START RequestId: 6f5", "plain", "[INFO]\t2026-01-31T12", "{\"message\": \"x\", \"re"]);
    assert_eq!(ids(other), ["START RequestId: 6f5", "plain too", "2026-01-31T12:00:00.", "REPORT RequestId: 6f"]);
    let all = events(&stage, &["--filter", "between"]);
    assert_eq!(all[0]["request_id"], Value::Null);
}

#[test]
fn only_the_end_of_a_long_output_is_shown_and_that_is_said() {
    let stage = Stage::new("long", "");
    let app = std::fs::read_to_string(stage.project.root().join("app.py")).unwrap();
    stage.project.write("app.py", app + "\n\ndef talk(event):\n    for n in range(1000):\n        print(f'line {n}')\n");
    stage.run(&["deploy"]).expect_code(0);
    let said = stage.run(&["invoke", "dev", "app.talk"]).expect_code(0);
    assert!(said.stderr.contains("line 999\n") && !said.stderr.contains("line 1\n"), "{}", said.stderr);
    assert!(said.stderr.ends_with("these are the last 4 KB of what it wrote; `zappa tail dev` shows all of it\n"), "{}", said.stderr);
}

/// CloudWatch Logs as it may answer and moto never does: one answer for each request, and what was asked.
fn scripted(answers: Vec<Value>) -> (u16, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (asked, requests) = mpsc::channel();
    std::thread::spawn(move || {
        for answer in answers {
            let mut reader = BufReader::new(listener.accept().unwrap().0);
            let mut length = 0;
            for line in reader.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()) {
                if let Some((name, value)) = line.split_once(": ")
                    && name.eq_ignore_ascii_case("content-length")
                {
                    length = value.parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            asked.send(serde_json::from_slice(&body).unwrap()).unwrap();
            let answer = answer.to_string();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                answer.len()
            );
            reader.get_mut().write_all((head + &answer).as_bytes()).unwrap();
        }
    });
    (port, requests)
}

#[test]
fn pages_without_events_and_events_on_two_pages() {
    let now = jiff::Timestamp::now().as_millisecond();
    let event = |id: &str, ago: i64, text: &str| json!({ "logStreamName": "a", "timestamp": now - ago, "message": text, "eventId": id });
    let (port, requests) = scripted(vec![
        json!({ "events": [], "nextToken": "one" }),
        // Not in order, and one that comes again.
        json!({ "events": [event("2", 1000, "two"), event("1", 2000, "one")], "nextToken": "two" }),
        json!({ "events": [], "nextToken": "three" }),
        json!({ "events": [event("2", 1000, "two"), event("3", 0, "three")] }),
    ]);
    let stage = Stage::new("scripted", &format!("aws_endpoint_urls = {{ logs = \"http://127.0.0.1:{port}\" }}\n"));
    let told = events(&stage, &["--since", "1h"]);
    assert_eq!(texts(&told), ["one", "two", "three"]);
    let asked: Vec<Value> = requests.iter().collect();
    let tokens: Vec<&Value> = asked.iter().map(|request| &request["nextToken"]).collect();
    assert_eq!(tokens, [&Value::Null, &json!("one"), &json!("two"), &json!("three")]);
    let start = asked[0]["startTime"].as_i64().unwrap();
    assert!((now - 3_700_000..=now - 3_500_000).contains(&start), "{start}");
    assert!(asked.iter().all(|request| request["startTime"] == start), "a page belongs to its question");
    assert_eq!(stage.aws.calls().iter().map(Call::name).collect::<Vec<_>>(), Vec::<String>::new());
}
