//! Load that does not wait to be answered: requests leave at their time whatever became of the ones before, over many connections,
//! all on one thread. What a sender sees while a server has more to do than it can.
//! usage: openload <host:port> <path> <conns> <rate>:<seconds>[,<rate>:<seconds>…] <template> <acked.bin> [start=N]
//! Prints the account of loadgen.rs, and a row for each second: [offered, unsent, accepted, refused, other, accepted p99 ms, refused p99 ms,
//! refused without Retry-After]. `unsent`: no connection was free. Latency is counted from the intended time.
use peerbench::{account, fill, percentile, write_acked, Head, Options, Sent};
use std::{cell::RefCell, rc::Rc, time::{Duration, Instant}};
use tokio::{io::{AsyncReadExt, AsyncWriteExt}, net::TcpStream, sync::mpsc};

#[derive(Clone, Default)]
struct Second { offered: u64, unsent: u64, accepted: Vec<u32>, refused: Vec<u32>, other: u64, no_hint: u64 }

struct State { idle: Vec<usize>, seconds: Vec<Second>, all: Vec<Sent>, begin: Instant }

impl State {
    fn second(&mut self, at: Instant) -> &mut Second {
        let index = at.saturating_duration_since(self.begin).as_secs() as usize;
        if index >= self.seconds.len() { self.seconds.resize(index + 1, Second::default()) }
        &mut self.seconds[index]
    }

    fn answered(&mut self, number: u64, at: Instant, answer: Option<&Head>) {
        let micros = at.elapsed().as_micros().min(u32::MAX as u128) as u32;
        self.all.push((number, answer.map_or(0, |head| head.status), micros));
        let second = self.second(at);
        match answer {
            Some(head) if (200..300).contains(&head.status) => second.accepted.push(micros),
            Some(head) if matches!(head.status, 429 | 503) => { second.refused.push(micros); second.no_hint += u64::from(!head.retry_after) }
            _ => second.other += 1,
        }
    }
}

/// False if the server has closed it meanwhile, as a sender's pool of connections sees it.
fn is_open(socket: &TcpStream) -> bool {
    matches!(socket.try_read(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

/// Sends one request and reads its answer; the connection is given back if it stays.
async fn exchange(socket: &mut Option<TcpStream>, host: &str, request: &[u8], bytes: &mut Vec<u8>) -> Option<Head> {
    if !socket.as_ref().is_some_and(is_open) {
        let fresh = TcpStream::connect(host).await.ok()?;
        fresh.set_nodelay(true).ok()?;
        *socket = Some(fresh);
    }
    let mut open = socket.take()?;
    open.write_all(request).await.ok()?;
    bytes.clear();
    let mut head = None;
    loop {
        if open.read_buf(bytes).await.ok()? == 0 { return None }
        if head.is_none() { head = Head::read(bytes).ok()? }
        if head.as_ref().is_some_and(|head| head.is_whole(bytes)) { break }
    }
    if head.as_ref().is_some_and(|head| head.keeps_alive) { *socket = Some(open) }
    head
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, run());
}

async fn run() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (host, path): (Rc<str>, Rc<str>) = (arguments[0].as_str().into(), arguments[1].as_str().into());
    let connections: usize = arguments[2].parse().unwrap();
    let phases: Vec<(f64, f64)> = arguments[3].split(',').map(|phase| {
        let (rate, seconds) = phase.split_once(':').expect("a phase is rate:seconds");
        (rate.parse().unwrap(), seconds.parse().unwrap())
    }).collect();
    let template: Rc<str> = std::fs::read_to_string(&arguments[4]).unwrap().trim_end().into();
    let start = Options::new(&arguments[6..]).number("start").unwrap_or(0.0) as u64;
    let state = Rc::new(RefCell::new(State { idle: (0..connections).collect(), seconds: Vec::new(), all: Vec::new(), begin: Instant::now() }));
    let mut tasks = Vec::new();
    let senders: Vec<mpsc::Sender<(u64, Instant)>> = (0..connections).map(|index| {
        let (sender, mut receiver) = mpsc::channel::<(u64, Instant)>(1);
        let (host, path, template, state) = (host.clone(), path.clone(), template.clone(), state.clone());
        tasks.push(tokio::task::spawn_local(async move {
            let (mut socket, mut request, mut bytes) = (None, Vec::new(), Vec::with_capacity(1024));
            while let Some((number, at)) = receiver.recv().await {
                fill(&template, number, &path, &host, "", &mut request);
                let answer = tokio::time::timeout(Duration::from_secs(20), exchange(&mut socket, &host, &request, &mut bytes)).await;
                if answer.is_err() { socket = None }
                let mut state = state.borrow_mut();
                state.answered(number, at, answer.ok().flatten().as_ref());
                state.idle.push(index);
            }
        }));
        sender
    }).collect();
    let begin = Instant::now();
    state.borrow_mut().begin = begin;
    let (mut number, mut phase_begin) = (start, begin);
    for (rate, seconds) in phases {
        let total = (rate * seconds) as u64;
        let mut sent = 0;
        while sent < total {
            let due = ((phase_begin.elapsed().as_secs_f64() * rate) as u64).min(total);
            while sent < due {
                let at = phase_begin + Duration::from_secs_f64(sent as f64 / rate);
                let free = { let mut state = state.borrow_mut(); state.second(at).offered += 1; state.idle.pop() };
                match free {
                    // The connection is idle, so its channel has room.
                    Some(index) => { let _ = senders[index].try_send((number, at)); number += 1 }
                    None => state.borrow_mut().second(at).unsent += 1,
                }
                sent += 1;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        phase_begin += Duration::from_secs_f64(seconds);
    }
    let wall = begin.elapsed().as_secs_f64();
    drop(senders);
    for task in tasks { let _ = task.await; }
    let mut state = state.borrow_mut();
    let rows: Vec<String> = state.seconds.iter_mut().map(|second| {
        second.accepted.sort_unstable();
        second.refused.sort_unstable();
        format!("[{},{},{},{},{},{:.3},{:.3},{}]", second.offered, second.unsent, second.accepted.len(), second.refused.len(), second.other,
            percentile(&second.accepted, 0.99), percentile(&second.refused, 0.99), second.no_hint)
    }).collect();
    write_acked(&arguments[5], &state.all);
    println!("{}", account(&state.all, wall, &format!(",\"seconds\":[{}]", rows.join(","))));
}
