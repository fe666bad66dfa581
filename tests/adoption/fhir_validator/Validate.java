import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

/**
 * Validates resources in JSON: {@code Validate R4|R5 FILE…}. Prints a line for each finding above information, then
 * the counts; the exit status is 1 when a file has an error.
 *
 * <p>The profile that a Consent names is not among the definitions that come along, so that it cannot be checked here:
 * the elements that it wants are held by a table in Sigill's own tests.
 */
public final class Validate {
  private Validate() {}

  public static void main(String[] words) throws IOException {
    var context = words[0].equals("R4") ? FhirContext.forR4() : FhirContext.forR5();
    var module =
        new FhirInstanceValidator(
            new ValidationSupportChain(
                new DefaultProfileValidationSupport(context),
                new CommonCodeSystemsTerminologyService(context),
                new InMemoryTerminologyServerValidationSupport(context)));
    module.setErrorForUnknownProfiles(false);
    var validator = context.newValidator().registerValidatorModule(module);
    var errors = 0;
    for (var place = 1; place < words.length; place++) {
      for (var found : validator.validateWithResult(Files.readString(Path.of(words[place]))).getMessages()) {
        if (found.getSeverity() == ResultSeverityEnum.INFORMATION) {
          continue;
        }
        System.out.printf(
            "%s %s %s: %s%n", words[place], found.getSeverity(), found.getLocationString(), found.getMessage());
        if (found.getSeverity().compareTo(ResultSeverityEnum.ERROR) >= 0) {
          errors++;
        }
      }
    }
    System.out.printf("%d files, %d errors%n", words.length - 1, errors);
    System.exit(errors == 0 ? 0 : 1);
  }
}
