// Written by `node infra/asyncapi/models/csharp.mjs` from contracts/schemas/receipt.v1.json. Do not edit by hand.
// Neither compiled nor run by Sigill's own checks.
// Leave null out when you write: JsonSerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull.
#nullable enable annotations
using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace Sigill.Contracts.ReceiptMessage
{
  public partial class Citation
  {
    [JsonPropertyName("rule")]
    public string Rule { get; set; }
    [JsonPropertyName("document")]
    public string Document { get; set; }
    [JsonPropertyName("sv")]
    public string Sv { get; set; }
    [JsonPropertyName("en")]
    public string En { get; set; }
    [JsonExtensionData]
    public Dictionary<string, object>? AdditionalProperties { get; set; }
  }

  public partial class EnteredOrder
  {
    [JsonPropertyName("by")]
    public string[] By { get; set; }
    [JsonPropertyName("decided_by")]
    public string DecidedBy { get; set; }
    [JsonPropertyName("role")]
    public string Role { get; set; }
    [JsonPropertyName("unit")]
    public string Unit { get; set; }
    [JsonPropertyName("channel")]
    public string Channel { get; set; }
    [JsonPropertyName("sv")]
    public string Sv { get; set; }
    [JsonPropertyName("en")]
    public string En { get; set; }
    [JsonExtensionData]
    public Dictionary<string, object>? AdditionalProperties { get; set; }
  }

  public partial class MeasureReport
  {
    [JsonPropertyName("measure_id")]
    public System.Guid MeasureId { get; set; }
    [JsonPropertyName("kind")]
    public string Kind { get; set; }
    [JsonPropertyName("action")]
    public string Action { get; set; }
    [JsonPropertyName("order_id")]
    public System.Guid? OrderId { get; set; }
    [JsonPropertyName("services")]
    public string[] Services { get; set; }
    [JsonPropertyName("units")]
    public string[]? Units { get; set; }
    [JsonPropertyName("recorded_from")]
    public string? RecordedFrom { get; set; }
    [JsonPropertyName("recorded_to")]
    public string? RecordedTo { get; set; }
    [JsonPropertyName("guardians")]
    public PersonRef[]? Guardians { get; set; }
    [JsonPropertyName("guardians_except")]
    public PersonRef[] GuardiansExcept { get; set; }
    [JsonPropertyName("representative")]
    public PersonRef? Representative { get; set; }
    [JsonPropertyName("starts_at")]
    public System.DateTimeOffset StartsAt { get; set; }
    [JsonPropertyName("ends_on")]
    public string? EndsOn { get; set; }
    [JsonPropertyName("provisional")]
    public bool Provisional { get; set; }
    [JsonPropertyName("because")]
    public Citation[] Because { get; set; }
    [JsonExtensionData]
    public Dictionary<string, object>? AdditionalProperties { get; set; }
  }

  public partial class NoteToFile
  {
    [JsonPropertyName("keyword")]
    public string Keyword { get; set; }
    [JsonPropertyName("measures")]
    public string[] Measures { get; set; }
    [JsonPropertyName("for_whom_sv")]
    public string ForWhomSv { get; set; }
    [JsonPropertyName("units")]
    public string[]? Units { get; set; }
    [JsonPropertyName("recorded_from")]
    public string? RecordedFrom { get; set; }
    [JsonPropertyName("recorded_to")]
    public string? RecordedTo { get; set; }
    [JsonPropertyName("choice")]
    public string? Choice { get; set; }
    [JsonPropertyName("period_from")]
    public string PeriodFrom { get; set; }
    [JsonPropertyName("period_through")]
    public string? PeriodThrough { get; set; }
    [JsonPropertyName("motivation")]
    public string? Motivation { get; set; }
    [JsonPropertyName("decided_by")]
    public string? DecidedBy { get; set; }
    [JsonPropertyName("decided_role")]
    public string? DecidedRole { get; set; }
    [JsonPropertyName("review_on")]
    public string? ReviewOn { get; set; }
    [JsonPropertyName("registration_number")]
    public string RegistrationNumber { get; set; }
    [JsonPropertyName("sv")]
    public string Sv { get; set; }
    [JsonPropertyName("en")]
    public string En { get; set; }
    [JsonPropertyName("duties")]
    public string[] Duties { get; set; }
    [JsonPropertyName("hidden_from_online_view")]
    public bool HiddenFromOnlineView { get; set; }
    [JsonExtensionData]
    public Dictionary<string, object>? AdditionalProperties { get; set; }
  }

  public partial class PersonRef
  {
    [JsonPropertyName("id_type")]
    public string IdType { get; set; }
    [JsonPropertyName("id")]
    public string Id { get; set; }
    [JsonExtensionData]
    public Dictionary<string, object>? AdditionalProperties { get; set; }
  }

  public partial class Receipt
  {
    [JsonPropertyName("receipt_id")]
    public System.Guid ReceiptId { get; set; }
    [JsonPropertyName("order_id")]
    public System.Guid? OrderId { get; set; }
    [JsonPropertyName("answers_event")]
    public string AnswersEvent { get; set; }
    [JsonPropertyName("answers_source")]
    public string? AnswersSource { get; set; }
    [JsonPropertyName("region")]
    public string? Region { get; set; }
    [JsonPropertyName("form")]
    public string? Form { get; set; }
    [JsonPropertyName("initiative")]
    public string? Initiative { get; set; }
    [JsonPropertyName("outcome")]
    public string Outcome { get; set; }
    [JsonPropertyName("first_outcome")]
    public string? FirstOutcome { get; set; }
    [JsonPropertyName("decided_at")]
    public System.DateTimeOffset? DecidedAt { get; set; }
    [JsonPropertyName("received_at")]
    public System.DateTimeOffset ReceivedAt { get; set; }
    [JsonPropertyName("judged_at")]
    public System.DateTimeOffset JudgedAt { get; set; }
    [JsonPropertyName("rulebook")]
    public string? Rulebook { get; set; }
    [JsonPropertyName("rulebook_digest")]
    public string? RulebookDigest { get; set; }
    [JsonPropertyName("codes")]
    public string[] Codes { get; set; }
    [JsonPropertyName("settled_sv")]
    public string? SettledSv { get; set; }
    [JsonPropertyName("settled_en")]
    public string? SettledEn { get; set; }
    [JsonPropertyName("refusals")]
    public Refusal[] Refusals { get; set; }
    [JsonPropertyName("waits")]
    public Waiting[] Waits { get; set; }
    [JsonPropertyName("remarks")]
    public RemarkNote[] Remarks { get; set; }
    [JsonPropertyName("measures")]
    public MeasureReport[] Measures { get; set; }
    [JsonPropertyName("still_in_force")]
    public MeasureReport[] StillInForce { get; set; }
    [JsonPropertyName("tasks")]
    public Task[] Tasks { get; set; }
    [JsonPropertyName("note")]
    public NoteToFile? Note { get; set; }
    [JsonPropertyName("ends_on")]
    public string? EndsOn { get; set; }
    [JsonPropertyName("unreadable")]
    public Unreadable? Unreadable { get; set; }
    [JsonPropertyName("digest")]
    public string Digest { get; set; }
    [JsonPropertyName("entered")]
    public EnteredOrder? Entered { get; set; }
    [JsonPropertyName("flagged")]
    public string[] Flagged { get; set; }
    [JsonExtensionData]
    public Dictionary<string, object>? AdditionalProperties { get; set; }
  }

  public partial class Refusal
  {
    [JsonPropertyName("code")]
    public string Code { get; set; }
    [JsonPropertyName("field")]
    public string? Field { get; set; }
    [JsonPropertyName("sv")]
    public string Sv { get; set; }
    [JsonPropertyName("en")]
    public string En { get; set; }
    [JsonPropertyName("citations")]
    public Citation[] Citations { get; set; }
    [JsonExtensionData]
    public Dictionary<string, object>? AdditionalProperties { get; set; }
  }

  public partial class RemarkNote
  {
    [JsonPropertyName("code")]
    public string Code { get; set; }
    [JsonPropertyName("measures")]
    public System.Guid[] Measures { get; set; }
    [JsonPropertyName("sv")]
    public string Sv { get; set; }
    [JsonPropertyName("en")]
    public string En { get; set; }
    [JsonPropertyName("citations")]
    public Citation[] Citations { get; set; }
    [JsonExtensionData]
    public Dictionary<string, object>? AdditionalProperties { get; set; }
  }

  public partial class Task
  {
    [JsonPropertyName("kind")]
    public string Kind { get; set; }
    [JsonPropertyName("due")]
    public System.DateTimeOffset? Due { get; set; }
    [JsonPropertyName("sv")]
    public string Sv { get; set; }
    [JsonPropertyName("en")]
    public string En { get; set; }
    [JsonPropertyName("citations")]
    public Citation[] Citations { get; set; }
    [JsonExtensionData]
    public Dictionary<string, object>? AdditionalProperties { get; set; }
  }

  public partial class Unreadable
  {
    [JsonPropertyName("code")]
    public string Code { get; set; }
    [JsonPropertyName("sv")]
    public string Sv { get; set; }
    [JsonPropertyName("en")]
    public string En { get; set; }
    [JsonExtensionData]
    public Dictionary<string, object>? AdditionalProperties { get; set; }
  }

  public partial class Waiting
  {
    [JsonPropertyName("code")]
    public string Code { get; set; }
    [JsonPropertyName("until")]
    public System.DateTimeOffset? Until { get; set; }
    [JsonPropertyName("units")]
    public string[] Units { get; set; }
    [JsonPropertyName("sv")]
    public string Sv { get; set; }
    [JsonPropertyName("en")]
    public string En { get; set; }
    [JsonPropertyName("citations")]
    public Citation[] Citations { get; set; }
    [JsonExtensionData]
    public Dictionary<string, object>? AdditionalProperties { get; set; }
  }
}
