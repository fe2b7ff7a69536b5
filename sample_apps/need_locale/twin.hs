import System.IO

main :: IO ()
main = do
  hSetEncoding stdout utf8
  putStrLn "\269"
