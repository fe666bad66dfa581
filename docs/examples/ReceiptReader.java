import com.nimbusds.jose.util.JSONObjectUtils;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.text.ParseException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * How an EHR reads {@code access.receipts.v1}, in Java.
 *
 * <pre>
 * ReceiptReader localhost:9092 FOLDER [LIMIT] [TOPIC]
 * </pre>
 *
 * Each receipt becomes one file in the folder, named after its source and id, for the EHR to show and to file; what comes
 * again has the same name. Offsets are committed after the files are safe on the disk. Printed are the outcome, the order
 * and the codes, never a person.
 */
public final class ReceiptReader {
    static final String TYPE = "se.sigill.receipt.v1";

    private ReceiptReader() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 2) {
            throw new IllegalArgumentException("BOOTSTRAP FOLDER [LIMIT] [TOPIC] are expected");
        }
        Path folder = Files.createDirectories(Path.of(arguments[1]));
        long limit = arguments.length > 2 ? Long.parseLong(arguments[2]) : Long.MAX_VALUE;
        String topic = arguments.length > 3 ? arguments[3] : "access.receipts.v1";
        Properties settings = new Properties();
        settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
        settings.put(ConsumerConfig.GROUP_ID_CONFIG, "ehr-receipts");
        settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        try (KafkaConsumer<String, byte[]> consumer =
                new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(List.of(topic));
            for (long read = 0; read < limit; ) {
                ConsumerRecords<String, byte[]> batch = consumer.poll(Duration.ofSeconds(1));
                for (ConsumerRecord<String, byte[]> event : batch) {
                    System.out.println(take(event, folder));
                    read++;
                }
                if (!batch.isEmpty()) {
                    consumer.commitSync();
                }
            }
        }
    }

    /** Keeps one receipt, once however often it comes. Fields not known here are ignored. */
    static String take(ConsumerRecord<String, byte[]> event, Path folder) throws IOException, ParseException {
        if (!TYPE.equals(header(event, "ce_type")) || event.value() == null) {
            throw new IOException("no receipt at partition " + event.partition() + ", offset " + event.offset());
        }
        Map<String, Object> receipt = JSONObjectUtils.parse(new String(event.value(), StandardCharsets.UTF_8));
        Object order = receipt.get("order_id") == null ? receipt.get("answers_event") : receipt.get("order_id");
        String codes = String.join(" ", JSONObjectUtils.getStringList(receipt, "codes"));
        String line = (receipt.get("outcome") + " " + order + " " + codes).strip();
        Path kept = folder.resolve(sha256(header(event, "ce_source") + "\n" + header(event, "ce_id")) + ".json");
        if (Files.exists(kept)) {
            return "repeated " + line;
        }
        Path half = kept.resolveSibling(kept.getFileName() + ".part");
        Files.write(half, event.value(), StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE, StandardOpenOption.SYNC);
        Files.move(half, kept, StandardCopyOption.ATOMIC_MOVE);
        return line;
    }

    private static String header(ConsumerRecord<String, byte[]> event, String name) throws IOException {
        Header found = event.headers().lastHeader(name);
        if (found == null || found.value() == null) {
            throw new IOException(name + " is missing at partition " + event.partition() + ", offset " + event.offset());
        }
        return new String(found.value(), StandardCharsets.UTF_8);
    }

    private static String sha256(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
