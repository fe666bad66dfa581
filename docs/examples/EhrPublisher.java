import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.util.Base64;
import com.nimbusds.jose.util.Base64URL;
import com.nimbusds.jose.util.JSONObjectUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.ECPublicKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.text.ParseException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * How an EHR publishes a signed order, in Java.
 *
 * <pre>
 * EhrPublisher form=order.json cert=staff.crt key=staff.key chain=issuing-ca.crt
 *              secret=patient-key.secret bootstrap=localhost:9092
 * </pre>
 *
 * The form's bytes are signed as they are: a compact JWS with JAdES baseline headers, sent as a CloudEvent in binary
 * mode under the patient's pseudonymous key. Certificates and key are PEM (the key PKCS#8); the secret is base64. With
 * {@code print=true} the JWS is written to standard output instead. Check the form against
 * contracts/schemas/order.v1.json before it is signed: Sigill refuses what does not fit.
 */
public final class EhrPublisher {
    static final String TOPIC = "ehr.orders.v1";
    static final String TYPE = "se.sigill.order.v1";

    private EhrPublisher() {}

    public static void main(String[] arguments) throws Exception {
        Map<String, String> asked = arguments(arguments);
        byte[] form = Files.readAllBytes(Path.of(need(asked, "form")));
        List<X509Certificate> certificates = certificates(need(asked, "cert"), asked.get("chain"));
        PrivateKey key = privateKey(Path.of(need(asked, "key")), certificates.get(0));
        Instant now = Instant.now();
        String order = sign(form, key, certificates, now);

        if ("true".equals(asked.get("print"))) {
            System.out.println(order);
            return;
        }
        byte[] secret = java.util.Base64.getDecoder().decode(Files.readString(Path.of(need(asked, "secret"))).strip());
        String source = asked.getOrDefault("source", "urn:example:ehr");
        String topic = asked.getOrDefault("topic", TOPIC);
        ProducerRecord<String, byte[]> event = event(topic, form, order, secret, source, now);
        RecordMetadata place = publish(need(asked, "bootstrap"), event);
        System.err.printf("the order lies on %s, partition %d, offset %d%n", place.topic(), place.partition(), place.offset());
    }

    /** A compact JWS over exactly these bytes. The signer's own certificate stands first, the root is left out. */
    static String sign(byte[] form, PrivateKey key, List<X509Certificate> certificates, Instant signedAt)
            throws GeneralSecurityException, JOSEException {
        List<Base64> chain = new ArrayList<>();
        for (X509Certificate certificate : certificates) {
            chain.add(Base64.encode(certificate.getEncoded()));
        }
        byte[] leaf = MessageDigest.getInstance("SHA-256").digest(certificates.get(0).getEncoded());
        JWSHeader header = new JWSHeader.Builder(algorithm(key))
                .type(new JOSEObjectType("sigill-order+jws"))
                .customParam("iat", signedAt.getEpochSecond())
                .x509CertChain(chain)
                .x509CertSHA256Thumbprint(Base64URL.encode(leaf))
                .build();
        JWSSigner signer = key instanceof ECPrivateKey elliptic ? new ECDSASigner(elliptic) : new RSASSASigner(key);
        JWSObject order = new JWSObject(header, new Payload(form));
        order.sign(signer);
        return order.serialize();
    }

    private static JWSAlgorithm algorithm(PrivateKey key) throws GeneralSecurityException {
        if (!(key instanceof ECPrivateKey elliptic)) {
            return JWSAlgorithm.PS256;
        }
        return switch (elliptic.getParams().getOrder().bitLength()) {
            case 256 -> JWSAlgorithm.ES256;
            case 384 -> JWSAlgorithm.ES384;
            default -> throw new GeneralSecurityException("orders are signed with P-256, P-384 or RSA");
        };
    }

    /** The record: id and subject of the envelope must agree with what was signed. */
    static ProducerRecord<String, byte[]> event(
            String topic, byte[] form, String order, byte[] secret, String source, Instant sentAt)
            throws ParseException, GeneralSecurityException {
        Map<String, Object> fields = JSONObjectUtils.parse(new String(form, StandardCharsets.UTF_8));
        String patient = JSONObjectUtils.getString(JSONObjectUtils.getJSONObject(fields, "patient"), "id");
        String key = patientKey(patient, secret, "v1");
        byte[] value = order.getBytes(StandardCharsets.US_ASCII);
        ProducerRecord<String, byte[]> event = new ProducerRecord<>(topic, key, value);
        Map<String, String> attributes = Map.of(
                "ce_specversion", "1.0",
                "ce_id", JSONObjectUtils.getString(fields, "order_id"),
                "ce_source", source,
                "ce_type", TYPE,
                "ce_time", sentAt.toString(),
                "ce_subject", key,
                "content-type", "application/jose");
        attributes.forEach((name, text) -> event.headers().add(name, text.getBytes(StandardCharsets.UTF_8)));
        return event;
    }

    /** {@code v1.} and the unpadded base64url of HMAC-SHA-256 over the twelve digits. */
    static String patientKey(String identity, byte[] secret, String version) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(secret, "HmacSHA256"));
        return version + "." + Base64URL.encode(mac.doFinal(identity.getBytes(StandardCharsets.US_ASCII)));
    }

    /** Sends and waits for the broker. After a failure send the same bytes again: they are carried out once. */
    static RecordMetadata publish(String bootstrap, ProducerRecord<String, byte[]> event)
            throws ExecutionException, InterruptedException {
        Properties settings = new Properties();
        settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        settings.put(ProducerConfig.ACKS_CONFIG, "all");
        settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        settings.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, 35_000);
        try (KafkaProducer<String, byte[]> producer =
                new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer())) {
            return producer.send(event).get();
        }
    }

    private static List<X509Certificate> certificates(String own, String chain)
            throws IOException, GeneralSecurityException {
        List<X509Certificate> found = new ArrayList<>();
        for (String path : chain == null ? new String[] {own} : (own + "," + chain).split(",")) {
            byte[] pem = Files.readAllBytes(Path.of(path));
            CertificateFactory.getInstance("X.509")
                    .generateCertificates(new ByteArrayInputStream(pem))
                    .forEach(certificate -> found.add((X509Certificate) certificate));
        }
        return found;
    }

    private static PrivateKey privateKey(Path path, X509Certificate owner)
            throws IOException, GeneralSecurityException {
        String pem = Files.readString(path).replaceAll("-----[A-Z ]+-----", "").replaceAll("\\s", "");
        String kind = owner.getPublicKey() instanceof ECPublicKey ? "EC" : "RSA";
        byte[] encoded = java.util.Base64.getDecoder().decode(pem);
        return KeyFactory.getInstance(kind).generatePrivate(new PKCS8EncodedKeySpec(encoded));
    }

    private static Map<String, String> arguments(String[] words) {
        Map<String, String> found = new HashMap<>();
        for (String word : words) {
            String[] halves = word.split("=", 2);
            if (halves.length != 2) {
                throw new IllegalArgumentException("name=value is expected, not: " + word);
            }
            found.put(halves[0], halves[1]);
        }
        return found;
    }

    private static String need(Map<String, String> asked, String name) {
        String value = asked.get(name);
        if (value == null) {
            throw new IllegalArgumentException(name + "=… is missing");
        }
        return value;
    }
}
