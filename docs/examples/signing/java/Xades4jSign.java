import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.w3c.dom.Document;
import xades4j.production.Enveloped;
import xades4j.production.XadesBesSigningProfile;
import xades4j.production.XadesSigner;
import xades4j.providers.impl.DirectKeyingDataProvider;

/**
 * Signs an order's XML with xades4j and its {@code Enveloped} helper.
 *
 * <p>Arguments: {@code card.p12 password form.xml out.xml}.
 */
public final class Xades4jSign {
    private Xades4jSign() {}

    /** Signs one form. */
    public static void main(String[] args) throws Exception {
        char[] password = args[1].toCharArray();
        KeyStore card = KeyStore.getInstance("PKCS12");
        try (FileInputStream in = new FileInputStream(args[0])) {
            card.load(in, password);
        }
        String alias = card.aliases().nextElement();
        PrivateKey key = (PrivateKey) card.getKey(alias, password);
        List<X509Certificate> chain = new ArrayList<>();
        Arrays.stream(card.getCertificateChain(alias)).forEach(c -> chain.add((X509Certificate) c));

        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        Document form = factory.newDocumentBuilder().parse(Path.of(args[2]).toFile());

        XadesSigner signer =
                new XadesBesSigningProfile(new DirectKeyingDataProvider(chain.get(0), key)).newSigner();
        new Enveloped(signer).sign(form.getDocumentElement());

        try (FileOutputStream out = new FileOutputStream(args[3])) {
            // Not indented: white space that is added after signing breaks the signature.
            TransformerFactory.newInstance().newTransformer().transform(new DOMSource(form), new StreamResult(out));
        }
    }
}
