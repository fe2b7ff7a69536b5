fn main() {
    match std::fs::write(std::env::temp_dir().join("file"), "text") {
        Ok(()) => println!("written"),
        Err(why) => println!("{why}"),
    }
}
