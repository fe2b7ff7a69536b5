//! Counts the words of its arguments on two threads.
use std::thread;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let counted = thread::spawn(move || words.iter().map(|word| word.split_whitespace().count()).sum::<usize>());
    println!("hello from Rust, {} words", counted.join().expect("the counter ended"));
}
