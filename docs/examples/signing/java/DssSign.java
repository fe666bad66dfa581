import eu.europa.esig.dss.enumerations.DigestAlgorithm;
import eu.europa.esig.dss.enumerations.JWSSerializationType;
import eu.europa.esig.dss.enumerations.SignatureLevel;
import eu.europa.esig.dss.enumerations.SignaturePackaging;
import eu.europa.esig.dss.jades.JAdESSignatureParameters;
import eu.europa.esig.dss.jades.signature.JAdESService;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.token.DSSPrivateKeyEntry;
import eu.europa.esig.dss.token.Pkcs12SignatureToken;
import eu.europa.esig.dss.xades.XAdESSignatureParameters;
import eu.europa.esig.dss.xades.signature.XAdESService;
import java.security.KeyStore.PasswordProtection;
import java.util.Date;

/**
 * Signs an order with the EU's Digital Signature Service library (DSS), with its default settings.
 *
 * <p>Arguments: {@code jades-compact|jades-json|jades-flattened|xades card.p12 password form out}. The form is JSON for
 * JAdES, and XML for XAdES.
 */
public final class DssSign {
    private DssSign() {}

    /** Signs one form. */
    public static void main(String[] args) throws Exception {
        DSSDocument form = new FileDocument(args[3]);
        PasswordProtection password = new PasswordProtection(args[2].toCharArray());
        try (Pkcs12SignatureToken token = new Pkcs12SignatureToken(args[1], password)) {
            DSSPrivateKeyEntry key = token.getKeys().get(0);
            DSSDocument signed =
                    args[0].equals("xades") ? xades(form, token, key) : jades(args[0], form, token, key);
            signed.save(args[4]);
        }
    }

    private static DSSDocument jades(
            String serialization, DSSDocument form, Pkcs12SignatureToken token, DSSPrivateKeyEntry key) {
        JAdESSignatureParameters parameters = new JAdESSignatureParameters();
        parameters.setSignatureLevel(SignatureLevel.JAdES_BASELINE_B);
        parameters.setSignaturePackaging(SignaturePackaging.ENVELOPING); // the form is the payload
        parameters.setJwsSerializationType(
                switch (serialization) {
                    case "jades-compact" -> JWSSerializationType.COMPACT_SERIALIZATION; // application/jose
                    case "jades-json" -> JWSSerializationType.JSON_SERIALIZATION; // application/jose+json
                    default -> JWSSerializationType.FLATTENED_JSON_SERIALIZATION; // application/jose+json
                });
        parameters.setDigestAlgorithm(DigestAlgorithm.SHA256); // ES256 or RS256, by the key
        parameters.setSigningCertificate(key.getCertificate());
        parameters.setCertificateChain(key.getCertificateChain());
        parameters.bLevel().setSigningDate(new Date());

        JAdESService service = new JAdESService(new CommonCertificateVerifier());
        var toSign = service.getDataToSign(form, parameters);
        var value = token.sign(toSign, parameters.getDigestAlgorithm(), key);
        return service.signDocument(form, parameters, value);
    }

    private static DSSDocument xades(DSSDocument form, Pkcs12SignatureToken token, DSSPrivateKeyEntry key) {
        XAdESSignatureParameters parameters = new XAdESSignatureParameters();
        parameters.setSignatureLevel(SignatureLevel.XAdES_BASELINE_B);
        parameters.setSignaturePackaging(SignaturePackaging.ENVELOPED); // application/xml
        parameters.setDigestAlgorithm(DigestAlgorithm.SHA256);
        parameters.setSigningCertificate(key.getCertificate());
        parameters.setCertificateChain(key.getCertificateChain());
        parameters.bLevel().setSigningDate(new Date());

        XAdESService service = new XAdESService(new CommonCertificateVerifier());
        var toSign = service.getDataToSign(form, parameters);
        var value = token.sign(toSign, parameters.getDigestAlgorithm(), key);
        return service.signDocument(form, parameters, value);
    }
}
