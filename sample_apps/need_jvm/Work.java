import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.security.MessageDigest;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.HexFormat;
import java.util.stream.LongStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/** Threads, a digest, zlib, a charset and a zone: modules and libraries of the runtime. */
public class Work {
    public static void main(String[] words) throws Exception {
        System.out.println(LongStream.rangeClosed(1, 1_000_000).parallel().sum());
        byte[] text = "\u010d".repeat(1000).getBytes("ISO-8859-2");
        System.out.println(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text)));
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream zip = new GZIPOutputStream(packed)) {
            zip.write(text);
        }
        System.out.println(new GZIPInputStream(new ByteArrayInputStream(packed.toByteArray())).readAllBytes().length);
        System.out.println(ZonedDateTime.of(2026, 7, 1, 12, 0, 0, 0, ZoneId.of("Asia/Tokyo")).toInstant());
    }
}
