import com.nimbusds.jose.util.JSONObjectUtils;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * How a notification service reads {@code access.notifications.v1}, in Java.
 *
 * <pre>
 * NotificationConsumer localhost:9092 /var/spool/notifications [LIMIT]
 * </pre>
 *
 * Each notification that is to be told becomes one file in {@code new}, named after its source and id; a sender takes it
 * from there and moves it to {@code done} when the letter, message or call has been made. What is suppressed never
 * becomes a file; what comes again is known by its name. Offsets are committed after the files are safe on the disk:
 * whenever this program dies, nothing is lost and nobody is told twice. Nothing about a person is printed.
 */
public final class NotificationConsumer {
    static final String TOPIC = "access.notifications.v1";
    static final String TYPE = "se.sigill.notification.v1";

    private final Path fresh;
    private final Path done;

    NotificationConsumer(Path spool) throws IOException {
        fresh = Files.createDirectories(spool.resolve("new"));
        done = Files.createDirectories(spool.resolve("done"));
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 2) {
            throw new IllegalArgumentException("BOOTSTRAP SPOOL [LIMIT] are expected");
        }
        long limit = arguments.length > 2 ? Long.parseLong(arguments[2]) : Long.MAX_VALUE;
        NotificationConsumer reader = new NotificationConsumer(Path.of(arguments[1]));
        CountDownLatch left = new CountDownLatch(1);
        try (KafkaConsumer<String, byte[]> consumer = consumer(arguments[0])) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> finish(consumer, left)));
            reader.run(consumer, limit);
        } catch (WakeupException stopped) {
            System.err.println("stopped");
        } finally {
            left.countDown();
        }
    }

    private static void finish(KafkaConsumer<String, byte[]> consumer, CountDownLatch left) {
        consumer.wakeup();
        try {
            left.await(10, TimeUnit.SECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static KafkaConsumer<String, byte[]> consumer(String bootstrap) {
        Properties settings = new Properties();
        settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        settings.put(ConsumerConfig.GROUP_ID_CONFIG, "notification-service");
        settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        KafkaConsumer<String, byte[]> consumer =
                new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer());
        consumer.subscribe(List.of(TOPIC));
        return consumer;
    }

    private void run(KafkaConsumer<String, byte[]> consumer, long limit) throws IOException, ParseException {
        for (long read = 0; read < limit; ) {
            ConsumerRecords<String, byte[]> batch = consumer.poll(Duration.ofSeconds(1));
            for (ConsumerRecord<String, byte[]> event : batch) {
                System.out.println(take(event));
                read++;
            }
            if (!batch.isEmpty()) {
                consumer.commitSync();
            }
        }
    }

    /** Puts one notification into the spool, once however often it comes. Fields not known here are ignored. */
    String take(ConsumerRecord<String, byte[]> event) throws IOException, ParseException {
        if (!TYPE.equals(header(event, "ce_type")) || event.value() == null) {
            throw new IOException("no notification at partition " + event.partition() + ", offset " + event.offset());
        }
        Map<String, Object> notification = JSONObjectUtils.parse(new String(event.value(), StandardCharsets.UTF_8));
        String what = notification.get("template") + " " + notification.get("channel");
        if (notification.get("suppressed") != null) {
            return "suppressed " + what;
        }
        if ("in_person".equals(notification.get("channel"))) {
            return "in_person " + what; // the unit tells, and has a task that says so: no message is safe
        }
        String name = sha256(header(event, "ce_source") + "\n" + header(event, "ce_id")) + ".json";
        if (Files.exists(fresh.resolve(name)) || Files.exists(done.resolve(name))) {
            return "repeated " + what;
        }
        writeSafely(fresh.resolve(name), event.value());
        return "to_tell " + what;
    }

    private static String header(ConsumerRecord<String, byte[]> event, String name) throws IOException {
        Header found = event.headers().lastHeader(name);
        if (found == null || found.value() == null) {
            throw new IOException(name + " is missing at partition " + event.partition() + ", offset " + event.offset());
        }
        return new String(found.value(), StandardCharsets.UTF_8);
    }

    /** The file is there whole, or not at all, also after a power cut. */
    private static void writeSafely(Path path, byte[] value) throws IOException {
        Path half = path.resolveSibling(path.getFileName() + ".part");
        try (FileChannel file = FileChannel.open(
                half, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            ByteBuffer rest = ByteBuffer.wrap(value);
            while (rest.hasRemaining()) {
                file.write(rest);
            }
            file.force(true);
        }
        Files.move(half, path, StandardCopyOption.ATOMIC_MOVE);
        try (FileChannel folder = FileChannel.open(path.getParent(), StandardOpenOption.READ)) {
            folder.force(true);
        }
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
