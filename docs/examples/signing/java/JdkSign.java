import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import javax.xml.crypto.dom.DOMStructure;
import javax.xml.crypto.dsig.CanonicalizationMethod;
import javax.xml.crypto.dsig.DigestMethod;
import javax.xml.crypto.dsig.Reference;
import javax.xml.crypto.dsig.SignedInfo;
import javax.xml.crypto.dsig.Transform;
import javax.xml.crypto.dsig.XMLObject;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMSignContext;
import javax.xml.crypto.dsig.keyinfo.KeyInfo;
import javax.xml.crypto.dsig.keyinfo.KeyInfoFactory;
import javax.xml.crypto.dsig.spec.C14NMethodParameterSpec;
import javax.xml.crypto.dsig.spec.TransformParameterSpec;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/**
 * Signs an order's XML with what comes with Java alone: XML-DSig, and the XAdES properties that an order must have.
 *
 * <p>Arguments: {@code card.p12 password form.xml out.xml}.
 */
public final class JdkSign {
    private static final String DS = "http://www.w3.org/2000/09/xmldsig#";
    private static final String XADES = "http://uri.etsi.org/01903/v1.3.2#";
    private static final String MORE = "http://www.w3.org/2001/04/xmldsig-more#";

    private JdkSign() {}

    /** Signs one form. */
    public static void main(String[] args) throws Exception {
        char[] password = args[1].toCharArray();
        KeyStore card = KeyStore.getInstance("PKCS12");
        try (FileInputStream in = new FileInputStream(args[0])) {
            card.load(in, password);
        }
        String alias = card.aliases().nextElement();
        PrivateKey key = (PrivateKey) card.getKey(alias, password);
        Certificate[] chain = card.getCertificateChain(alias);

        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        Document form = factory.newDocumentBuilder().parse(Path.of(args[2]).toFile());

        XMLSignatureFactory xml = XMLSignatureFactory.getInstance("DOM");
        DigestMethod sha256 = xml.newDigestMethod(DigestMethod.SHA256, null);
        Reference whole =
                xml.newReference(
                        "",
                        sha256,
                        List.of(xml.newTransform(Transform.ENVELOPED, (TransformParameterSpec) null)),
                        null,
                        null);
        Reference properties =
                xml.newReference("#properties", sha256, null, "http://uri.etsi.org/01903#SignedProperties", null);
        String method = MORE + (key.getAlgorithm().equals("EC") ? "ecdsa-sha256" : "rsa-sha256");
        SignedInfo info =
                xml.newSignedInfo(
                        xml.newCanonicalizationMethod(
                                CanonicalizationMethod.INCLUSIVE, (C14NMethodParameterSpec) null),
                        xml.newSignatureMethod(method, null),
                        List.of(whole, properties));
        KeyInfoFactory keys = xml.getKeyInfoFactory();
        KeyInfo keyInfo = keys.newKeyInfo(List.of(keys.newX509Data(Arrays.asList(chain))));
        Element qualifying = qualifyingProperties(form, chain[0]);
        XMLObject object = xml.newXMLObject(List.of(new DOMStructure(qualifying)), null, null, null);

        DOMSignContext context = new DOMSignContext(key, form.getDocumentElement());
        context.setDefaultNamespacePrefix("ds");
        context.setIdAttributeNS((Element) qualifying.getFirstChild(), null, "Id");
        xml.newXMLSignature(info, keyInfo, List.of(object), "signature", null).sign(context);

        try (FileOutputStream out = new FileOutputStream(args[3])) {
            TransformerFactory.newInstance().newTransformer().transform(new DOMSource(form), new StreamResult(out));
        }
    }

    private static Element qualifyingProperties(Document form, Certificate own) throws Exception {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(own.getEncoded());

        Element qualifying = form.createElementNS(XADES, "xades:QualifyingProperties");
        qualifying.setAttributeNS("http://www.w3.org/2000/xmlns/", "xmlns:xades", XADES);
        qualifying.setAttributeNS("http://www.w3.org/2000/xmlns/", "xmlns:ds", DS);
        qualifying.setAttributeNS(null, "Target", "#signature");
        Element signed = below(qualifying, XADES, "xades:SignedProperties");
        signed.setAttributeNS(null, "Id", "properties");
        Element about = below(signed, XADES, "xades:SignedSignatureProperties");
        below(about, XADES, "xades:SigningTime")
                .setTextContent(Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        Element certificate =
                below(below(below(about, XADES, "xades:SigningCertificateV2"), XADES, "xades:Cert"), XADES, "xades:CertDigest");
        below(certificate, DS, "ds:DigestMethod").setAttributeNS(null, "Algorithm", DigestMethod.SHA256);
        below(certificate, DS, "ds:DigestValue").setTextContent(Base64.getEncoder().encodeToString(digest));
        return qualifying;
    }

    private static Element below(Element parent, String namespace, String name) {
        Element element = parent.getOwnerDocument().createElementNS(namespace, name);
        parent.appendChild(element);
        return element;
    }
}
