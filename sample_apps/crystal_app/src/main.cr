# Greets from a fiber, through a channel.
channel = Channel(String).new
spawn { channel.send "hello from Crystal" }
puts channel.receive
