fn main() {
    println!("written");
}
