// A command-line tool: arguments, files, standard streams, threads.
use std::{env, fs, io::Read, process, thread};

fn main() {
    let mut text = String::new();
    for name in env::args().skip(1) {
        match fs::read_to_string(&name) {
            Ok(more) => text.push_str(&more),
            Err(error) => {
                eprintln!("{name}: {error}");
                process::exit(1);
            }
        }
    }
    if text.is_empty() {
        std::io::stdin().read_to_string(&mut text).expect("standard input");
    }
    let words = thread::spawn(move || text.split_whitespace().count()).join().expect("a thread");
    println!("{words}");
}
