-- | Greets, with an Integer that needs the big-number library.
module Main (main) where

main :: IO ()
main = putStrLn ("hello from Haskell, 2^70 is " ++ show (2 ^ (70 :: Int) :: Integer))
