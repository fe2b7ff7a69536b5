import System.IO

main :: IO ()
main = do
  encoding <- mkTextEncoding "ISO-8859-2"
  hSetEncoding stdout encoding
  putStrLn "\269"
