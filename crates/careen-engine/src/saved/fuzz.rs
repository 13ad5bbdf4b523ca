//! Random damage to real logs: readers never fail, hang or keep more than they are given.

use std::time::Duration;

use super::tests::fold;
use super::*;

/// The pieces of all forms; mutations mix them.
const SEEDS: [&str; 6] = [
    "2024-05-01T10:00:01.0Z #1 [internal] load build definition\n#1 transferring dockerfile: 46B done\n#1 DONE 0.1s\n\n#2 [a 1/2] FROM x@sha256:1\n#2 sha256:ab 1.5MB / 2.5MB 0.3s\n#2 ...\n#3 [b 2/2] COPY --from=a /x /x\n#3 0.123 out\x1b[31mput\n#3 ERROR: exit code: 3\n------\nERROR: failed to solve: x\n",
    "Sending build context to Docker daemon  2.048kB\r\r\nStep 1/2 : FROM x\n ---> 12ab\nStep 2/2 : RUN y\n ---> Running in 12\nSuccessfully built 12\n",
    "[+] Building 1.5s (2/3) FINISHED\n => CACHED [1/2] FROM x   0.1s\n => => sha256:12 1MB / 2MB   0.5s\n => ERROR [2/2] RUN y   1.0s\nfailed to solve: z\n",
    "{\"vertexes\":[{\"digest\":\"a\",\"name\":\"[1/1] RUN x\",\"started\":\"2026-11-23T19:08:55.5Z\",\"completed\":\"9999-12-31T23:59:59Z\"}]}\n{\"logs\":[{\"vertex\":\"a\",\"stream\":1,\"data\":\"aGk=\"}],\"statuses\":[{\"id\":\"t\",\"vertex\":\"a\",\"current\":-5,\"total\":9223372036854775807}]}\n",
    "[12:00:00] [api] #99 DONE 1.5s\n#4294967295 [x 1/1] RUN\n#1 99999.9 x\n#2      started: 2018-11-06 15:14:44.1 +0000 UTC\n#2     duration: 1h2m3.5s\n\u{feff}\x1b_bk;t=17000\x07#5 CACHED\n",
    "{\"at_seconds\":0.5,\"event\":\"step-planned\",\"step\":\"a\",\"name\":\"[1/1] RUN x\",\"inputs\":[]}\n{\"at_seconds\":0.6,\"event\":\"step-started\",\"step\":\"a\"}\n{\"at_seconds\":0.7,\"event\":\"log\",\"step\":\"a\",\"stream\":\"out\",\"text\":\"hi\"}\n{\"at_seconds\":1.25,\"event\":\"ended\",\"outcome\":\"built\"}\n",
];

/// A generator that is the same everywhere: xorshift.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (n.max(1) as u64)).unwrap()
    }
}

fn damaged(dice: &mut Dice) -> Vec<u8> {
    let mut log = Vec::new();
    for _ in 0..=dice.below(4) {
        log.extend_from_slice(SEEDS[dice.below(SEEDS.len())].as_bytes());
    }
    for _ in 0..dice.below(30) {
        let at = dice.below(log.len());
        match dice.below(6) {
            0 => log[at] = u8::try_from(dice.below(256)).unwrap(),
            1 => log.truncate(at.max(1)),
            2 => {
                log.remove(at);
            }
            3 => log.insert(at, b"\n\r\x1b[#:/. 9\0\xff\"{"[dice.below(14)]),
            4 => {
                let end = (at + dice.below(80)).min(log.len());
                let piece = log[at..end].to_vec();
                let to = dice.below(log.len());
                log.splice(to..to, piece);
            }
            _ => {
                let end = (at + dice.below(40)).min(log.len());
                log.drain(at..end);
                log.push(b'\n');
            }
        }
        if log.is_empty() {
            log.push(b'#');
        }
    }
    log
}

#[test]
fn damage_never_stops_a_reader() {
    let mut dice = Dice(0x5eed_1234_5678_9abc);
    let mut read = 0;
    for round in 0..20_000 {
        let log = damaged(&mut dice);
        let (record, summary, output) = fold(&log, log.len());
        assert!(output.len() <= log.len() * 8 + 64, "round {round}");
        read += usize::from(summary.format.is_some() && !record.steps.is_empty());
        if round % 8 == 0 {
            let (pieces, ..) = fold(&log, 1 + dice.below(9));
            assert_eq!(pieces, record, "round {round}: {:?}", String::from_utf8_lossy(&log));
        }
        for share in record.shares() {
            assert!(share.wall <= record.total);
        }
        let sum: Duration = record.shares().iter().map(|share| share.wall).sum();
        assert_eq!(sum, record.total, "round {round}");
    }
    assert!(read > 5_000, "only {read} of the damaged logs were still logs");
}

#[test]
fn bytes_of_any_kind_are_no_log() {
    let mut dice = Dice(77);
    for _ in 0..200 {
        let bytes: Vec<u8> =
            (0..dice.below(5000)).map(|_| u8::try_from(dice.below(256)).unwrap()).collect();
        let _ = fold(&bytes, 1 + dice.below(100));
        let _ = read_dockerbuild(&bytes, &mut |_| {});
    }
}
