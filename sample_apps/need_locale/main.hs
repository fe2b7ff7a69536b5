main :: IO ()
main = putStrLn "\269"
