import System.IO

main :: IO ()
main = do
  hSetEncoding stdout char8
  putStrLn "\232"
