(* Greets through a list. *)
let () = print_endline (String.concat " " [ "hello"; "from"; "OCaml" ])
