"""Every method of every service, with its fields that hold ids, as the .proto files declare them."""
import dataclasses
import re
import tempfile

from google.protobuf import descriptor

from protocol import Protocol

SERVICES_OF = {"auth": ["auth.v1.AuthService"], "refunds": ["refunds.v1.RefundService"],
               "payments": ["payments.v1.PaymentService", "payments.v1.OrderService", "payments.v1.ProviderService"],
               "webhooks": ["webhooks.v1.EndpointService", "webhooks.v1.DeliveryService", "webhooks.v1.EventService"]}
JOURNAL = "journal.v1.JournalService"
# Fields that name an object without saying so, and pages that go on after one.
IDS = re.compile(r"(^|_)id$|^card_token$|^(starting_after|ending_before|after)$")

with tempfile.TemporaryDirectory() as directory:
    PROTOCOL = Protocol(directory)
PROTOCOL.factory.GetMessages(PROTOCOL.files)  # so that options of our own are known
OPTIONS = PROTOCOL.message("google.protobuf.MethodOptions")


@dataclasses.dataclass(frozen=True)
class Method:
    process: str   # whose port serves it
    path: str      # "/obol.payments.v1.PaymentService/GetPayment"
    name: str

    @property
    def descriptor(self):
        service, name = self.path.lstrip("/").rsplit("/", 1)
        return PROTOCOL.pool.FindServiceByName(service).methods_by_name[name]

    def routes(self):
        """[(verb, path template)] of its REST bindings."""
        options = OPTIONS.FromString(self.descriptor.GetOptions().SerializeToString())
        found = [value for field, value in options.ListFields() if field.name == "http"]
        rules = [rule for http in found for rule in [http, *http.additional_bindings]]
        return [(verb.upper(), getattr(rule, verb)) for rule in rules for verb in ("get", "post", "put", "patch", "delete")
                if getattr(rule, verb)]


def all_methods():
    served = [(process, service) for process, services in SERVICES_OF.items() for service in [*services, JOURNAL]]
    for process, service in served:
        found = PROTOCOL.pool.FindServiceByName(f"obol.{service}")
        for method in found.methods:
            yield Method(process, f"/{found.full_name}/{method.name}", method.name)


def services_declared():
    """Every service of our own .proto files, whether or not it stands in SERVICES_OF."""
    names = set()
    for file in PROTOCOL.files:
        if file.startswith("obol/"):
            names |= {s.full_name for s in PROTOCOL.pool.FindFileByName(file).services_by_name.values()}
    return names


def id_fields(message, before=()):
    """Paths of fields that hold ids, into messages within: ("routes", "credential_id")."""
    for field in message.fields:
        path = (*before, field.name)
        if field.type == descriptor.FieldDescriptor.TYPE_STRING and IDS.search(field.name):
            yield path
        elif field.message_type and field.message_type.full_name.startswith("obol.") \
                and not field.message_type.GetOptions().map_entry:
            yield from id_fields(field.message_type, path)


def put(fields, path, value, message):
    """A copy of the fields with one more at the path; a repeated message gets one element."""
    [name, *rest] = path
    field = message.fields_by_name[name]
    repeated = field.label == descriptor.FieldDescriptor.LABEL_REPEATED
    if not rest:
        return {**fields, name: value}
    within = fields.get(name, [{}] if repeated else {})
    if repeated:
        return {**fields, name: [put(within[0], rest, value, field.message_type)]}
    return {**fields, name: put(within, rest, value, field.message_type)}
