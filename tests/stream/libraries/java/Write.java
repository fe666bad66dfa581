import io.cloudevents.CloudEvent;
import io.cloudevents.core.builder.CloudEventBuilder;
import io.cloudevents.core.message.Encoding;
import io.cloudevents.jackson.JsonFormat;
import io.cloudevents.kafka.CloudEventSerializer;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;

/** What cloudevents-kafka writes. Arguments: order.jose id source type subject time; JSON on standard output. */
public final class Write {
    private Write() {}

    public static void main(String[] arguments) throws Exception {
        CloudEvent event = CloudEventBuilder.v1()
                .withId(arguments[1])
                .withSource(URI.create(arguments[2]))
                .withType(arguments[3])
                .withSubject(arguments[4])
                .withTime(OffsetDateTime.parse(arguments[5]))
                .withExtension("partitionkey", arguments[4])
                .withData("application/jose", Files.readString(Path.of(arguments[0])).strip().getBytes())
                .build();
        System.out.println("[" + shown("binary", Map.of(), event) + "," + shown("structured", Map.of(
                CloudEventSerializer.ENCODING_CONFIG, Encoding.STRUCTURED,
                CloudEventSerializer.EVENT_FORMAT_CONFIG, JsonFormat.CONTENT_TYPE), event) + "]");
    }

    private static String shown(String mode, Map<String, ?> settings, CloudEvent event) {
        RecordHeaders headers = new RecordHeaders();
        try (CloudEventSerializer serializer = new CloudEventSerializer()) {
            serializer.configure(new TreeMap<>(settings), false);
            byte[] value = serializer.serialize("ehr.orders.v1", headers, event);
            List<String> pairs = new ArrayList<>();
            for (Header header : headers) {
                pairs.add("[\"" + header.key() + "\",\"" + base64(header.value()) + "\"]");
            }
            return "{\"mode\":\"" + mode + "\",\"key\":\"" + event.getSubject() + "\",\"headers\":["
                    + String.join(",", pairs) + "],\"value\":\"" + base64(value) + "\"}";
        }
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }
}
