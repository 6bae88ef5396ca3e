//! The scheduler with a clock that the test turns, a real sandbox, and a function that calls the test.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use zappa::cloud::ScheduleSpec;
use zappa::cloud::local::{Scheduler, StageSchedules};
use zappa::schedule::RunOutcome;

use super::lab::{Lab, NAME};

/// Shows its event to the test, and does as it is told.
const HANDLER: &str = r#"
import json, socket

def lambda_handler(event, context):
    with socket.create_connection(("127.0.0.1", event["port"])) as connection:
        connection.sendall(json.dumps({**event, "arn": context.invoked_function_arn}).encode() + b"\n")
        if connection.recv(1) != b"y":
            raise ValueError("no stock")
"#;

const START: i64 = 1_800_000_000;

struct Clock(Arc<AtomicI64>);

impl Clock {
    fn turn_to(&self, minute: i64, scheduler: &Scheduler) {
        self.0.store(START + 60 * minute, Ordering::SeqCst);
        scheduler.wake();
    }
}

fn minute(minute: i64) -> Timestamp {
    Timestamp::from_second(START + 60 * minute).unwrap()
}

/// A call of the function.
struct Call {
    event: Value,
    connection: BufReader<TcpStream>,
}

impl Call {
    async fn accept(listener: &TcpListener) -> Self {
        let mut connection = BufReader::new(listener.accept().await.unwrap().0);
        let mut line = String::new();
        connection.read_line(&mut line).await.unwrap();
        Self { event: serde_json::from_str(&line).unwrap(), connection }
    }

    async fn end(mut self, well: bool) -> Value {
        self.connection.write_all(if well { b"y" } else { b"n" }).await.unwrap();
        self.event
    }
}

struct Bench {
    lab: Lab,
    listener: TcpListener,
    clock: Clock,
}

impl Bench {
    async fn new() -> Self {
        let lab = Lab::new().await;
        lab.emulator.put_version(lab.config(2, HANDLER)).await;
        lab.emulator.set_live(NAME, 2).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { lab, listener, clock: Clock(Arc::new(AtomicI64::new(START))) }
    }

    /// As the background process has one; running.
    fn scheduler(&self, specs: &[(&str, &str)]) -> (Scheduler, tokio::task::JoinHandle<()>) {
        let time = Arc::clone(&self.clock.0);
        let clock = Arc::new(move || Timestamp::from_second(time.load(Ordering::SeqCst)).unwrap());
        let scheduler = Scheduler::new(self.lab.emulator.clone(), clock, Arc::new(uuid::Uuid::new_v4));
        scheduler.set(self.schedules(specs)).unwrap();
        let running = scheduler.clone();
        (scheduler, tokio::spawn(async move { running.run().await }))
    }

    fn schedules(&self, specs: &[(&str, &str)]) -> StageSchedules {
        let port = self.listener.local_addr().unwrap().port();
        let spec = |(name, expression): &(&str, &str)| ScheduleSpec {
            name: (*name).to_owned(),
            expression: (*expression).to_owned(),
            input: json!({ "port": port, "zappa": "schedule", "name": name }),
            description: String::new(),
            enabled: *name != "off",
        };
        StageSchedules {
            function_name: NAME.to_owned(),
            region: "eu-west-1".to_owned(),
            schedules: specs.iter().map(|each| (spec(each), minute(0))).collect(),
            memory: self.memory_file(),
        }
    }

    fn memory_file(&self) -> PathBuf {
        self.lab.directory.path().join("schedules.json")
    }
}

/// Waits until the schedule's last run has ended.
async fn ended(scheduler: &Scheduler, name: &str) -> zappa::schedule::LastRun {
    loop {
        let last = scheduler.memory(NAME)[name].last.clone();
        if let Some(last) = last.filter(|last| last.outcome != RunOutcome::Running) {
            return last;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_call_live_and_failures_are_tried_again() {
    let bench = Bench::new().await;
    let (scheduler, running) = bench.scheduler(&[("stock", "rate(10 minutes)"), ("off", "rate(1 minute)")]);
    bench.clock.turn_to(10, &scheduler);
    let first = Call::accept(&bench.listener).await.end(false).await;
    assert_eq!(first["time"], minute(10).to_string());
    assert_eq!(
        (&first["source"], &first["detail-type"], &first["region"]),
        (&json!("aws.events"), &json!("Scheduled Event"), &json!("eu-west-1"))
    );
    assert_eq!(first["resources"], json!(["arn:aws:events:eu-west-1:000000000000:rule/shop.stock"]));
    assert!(first["arn"].as_str().unwrap().ends_with(":function:shop:live"), "{first}");
    let failed = RunOutcome::Failed("ValueError: no stock".to_owned());
    let last = ended(&scheduler, "stock").await;
    assert_eq!((last.attempt, &last.outcome, last.retry), (1, &failed, Some(minute(11))));

    bench.clock.turn_to(11, &scheduler);
    let second = Call::accept(&bench.listener).await;
    assert_eq!(scheduler.memory(NAME)["stock"].last.as_ref().unwrap().outcome, RunOutcome::Running);
    let second = second.end(false).await;
    assert_eq!((&second["id"], &second["time"]), (&first["id"], &first["time"]), "the same event");
    assert_eq!(ended(&scheduler, "stock").await.retry, Some(minute(13)));
    bench.clock.turn_to(13, &scheduler);
    Call::accept(&bench.listener).await.end(false).await;
    let last = ended(&scheduler, "stock").await;
    assert_eq!((last.attempt, &last.outcome, last.retry), (3, &failed, None), "twice is all");
    let log = std::fs::read_to_string(bench.lab.directory.path().join("logs/shop.log")).unwrap();
    assert_eq!(log.matches("ValueError: no stock").count(), 3, "{log}");

    bench.clock.turn_to(20, &scheduler);
    let next = Call::accept(&bench.listener).await.end(true).await;
    assert_eq!(next["time"], minute(20).to_string());
    assert_eq!(ended(&scheduler, "stock").await.outcome, RunOutcome::Succeeded);
    running.abort();
    bench.lab.emulator.shutdown(std::time::Duration::ZERO).await;
}

/// Every call that was not to be would be the next one that is accepted.
#[tokio::test(flavor = "multi_thread")]
async fn sleep_jumps_restarts_and_changes() {
    let bench = Bench::new().await;
    let specs = [("tick", "rate(1 minute)")];
    let (scheduler, running) = bench.scheduler(&specs);
    let fire = async |scheduler: &Scheduler, at: i64| {
        bench.clock.turn_to(at, scheduler);
        let event = Call::accept(&bench.listener).await.end(true).await;
        ended(scheduler, event["name"].as_str().unwrap()).await;
        (event["name"].as_str().unwrap().to_owned(), event["time"].as_str().unwrap().to_owned())
    };
    let at = |name: &str, at: i64| (name.to_owned(), minute(at).to_string());
    assert_eq!(fire(&scheduler, 1).await, at("tick", 1));
    // Ten hours of sleep: one call, for the first time that was missed.
    assert_eq!(fire(&scheduler, 600).await, at("tick", 2));
    assert_eq!(fire(&scheduler, 601).await, at("tick", 601));
    // The clock goes back by an hour, the process is killed and started again.
    bench.clock.turn_to(541, &scheduler);
    running.abort();
    let _ = running.await;
    let (scheduler, running) = bench.scheduler(&specs);
    bench.clock.turn_to(580, &scheduler);
    assert_eq!(fire(&scheduler, 602).await, at("tick", 602));
    // A release changes what fires.
    scheduler.set(bench.schedules(&[("tock", "rate(700 minutes)")])).unwrap();
    assert_eq!(fire(&scheduler, 700).await, at("tock", 700));
    // An undeployed stage is over, and its files are not written again.
    scheduler.remove(NAME);
    std::fs::remove_file(bench.memory_file()).unwrap();
    bench.clock.turn_to(1400, &scheduler);
    scheduler.set(StageSchedules { function_name: "other".to_owned(), ..bench.schedules(&[]) }).unwrap();
    assert_eq!(scheduler.memory(NAME).len(), 0);
    assert!(!bench.memory_file().exists());
    running.abort();
    bench.lab.emulator.shutdown(std::time::Duration::ZERO).await;
}
