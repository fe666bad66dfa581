// Written by `node infra/asyncapi/models/csharp.mjs` from contracts/schemas/order.v1.json. Do not edit by hand.
// Neither compiled nor run by Sigill's own checks.
// Leave null out when you write: JsonSerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull.
#nullable enable annotations
using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace Sigill.Contracts.SignedFormMessage
{
  public partial class CourtOrder
  {
    [JsonPropertyName("court")]
    public string Court { get; set; }
    [JsonPropertyName("reference")]
    public string Reference { get; set; }
    [JsonPropertyName("date")]
    public string Date { get; set; }
    [JsonPropertyName("duties")]
    public string[] Duties { get; set; }
    [JsonPropertyName("valid_through")]
    public string? ValidThrough { get; set; }
  }

  public partial class DocumentRef
  {
    [JsonPropertyName("kind")]
    public string Kind { get; set; }
    [JsonPropertyName("id")]
    public string Id { get; set; }
    [JsonPropertyName("sha256")]
    public string Sha256 { get; set; }
  }

  public partial class Inform
  {
    [JsonPropertyName("guardians")]
    public bool? Guardians { get; set; }
    [JsonPropertyName("patient")]
    public bool? Patient { get; set; }
    [JsonPropertyName("written_confirmation")]
    public bool? WrittenConfirmation { get; set; }
  }

  public partial class PersonRef
  {
    [JsonPropertyName("id_type")]
    public string IdType { get; set; }
    [JsonPropertyName("id")]
    public string Id { get; set; }
  }

  public partial class SignedForm
  {
    [JsonPropertyName("order_id")]
    public System.Guid OrderId { get; set; }
    [JsonPropertyName("audience")]
    public string Audience { get; set; }
    [JsonPropertyName("region")]
    public string Region { get; set; }
    [JsonPropertyName("form")]
    public string Form { get; set; }
    [JsonPropertyName("patient")]
    public PersonRef Patient { get; set; }
    [JsonPropertyName("initiative")]
    public string Initiative { get; set; }
    [JsonPropertyName("decided_by")]
    public StaffRef? DecidedBy { get; set; }
    [JsonPropertyName("consulted")]
    public StaffRef[]? Consulted { get; set; }
    [JsonPropertyName("decided_at")]
    public System.DateTimeOffset DecidedAt { get; set; }
    [JsonPropertyName("urgent")]
    public bool? Urgent { get; set; }
    [JsonPropertyName("channel")]
    public string? Channel { get; set; }
    [JsonPropertyName("units")]
    public string[]? Units { get; set; }
    [JsonPropertyName("recorded_from")]
    public string? RecordedFrom { get; set; }
    [JsonPropertyName("recorded_to")]
    public string? RecordedTo { get; set; }
    [JsonPropertyName("valid_from")]
    public string? ValidFrom { get; set; }
    [JsonPropertyName("valid_through")]
    public string? ValidThrough { get; set; }
    [JsonPropertyName("guardians")]
    public PersonRef[]? Guardians { get; set; }
    [JsonPropertyName("representative")]
    public PersonRef? Representative { get; set; }
    [JsonPropertyName("court_order")]
    public CourtOrder? CourtOrder { get; set; }
    [JsonPropertyName("releases")]
    public System.Guid[]? Releases { get; set; }
    [JsonPropertyName("follows_up")]
    public System.Guid? FollowsUp { get; set; }
    [JsonPropertyName("decision")]
    public string? Decision { get; set; }
    [JsonPropertyName("opinion")]
    public string? Opinion { get; set; }
    [JsonPropertyName("given")]
    public bool? Given { get; set; }
    [JsonPropertyName("attestations")]
    public string[]? Attestations { get; set; }
    [JsonPropertyName("own_attestations")]
    public string[]? OwnAttestations { get; set; }
    [JsonPropertyName("motivation")]
    public string? Motivation { get; set; }
    [JsonPropertyName("review_on")]
    public string? ReviewOn { get; set; }
    [JsonPropertyName("references")]
    public DocumentRef[]? References { get; set; }
    [JsonPropertyName("inform")]
    public Inform? Inform { get; set; }
  }

  public partial class StaffRef
  {
    [JsonPropertyName("hsa_id")]
    public string HsaId { get; set; }
    [JsonPropertyName("role")]
    public string Role { get; set; }
    [JsonPropertyName("unit")]
    public string Unit { get; set; }
  }
}
