// TestCredential, in the slow lane: it waits for the provider.
#include <string.h>

#include "base/clock.h"
#include "setup/credential_test.h"
#include "setup/rpc_providers.h"

#define MARGIN_MS 1000 // of the call's time, to answer in

static enum status answer(struct call *call, struct credential_finding finding, int64_t began_ns)
{
    Obol__Payments__V1__TestCredentialResponse *response =
        MESSAGE_NEW(call->arena, obol__payments__v1__test_credential_response,
                    Obol__Payments__V1__TestCredentialResponse);
    if (!response || !finding.text)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    response->ok = finding.ok;
    response->finding = (char *)(uintptr_t)finding.text;
    response->duration_ms = (clock_now_ns() - began_ns) / NS_PER_MS;
    call_answer(call, &response->base);
    return STATUS_OK;
}

// A credential that works and is used by nobody surprises whoever goes live.
static struct credential_finding with_mode(struct arena *arena, const struct setup *setup,
                                           const struct credential *credential,
                                           struct credential_finding finding)
{
    const char *mode = setup->live ? "live" : "test";
    if (!finding.text)
        return finding;
    if (credential->live == setup->live)
        finding.text = arena_printf(arena, "%s The tenant is in %s mode.", finding.text, mode);
    else
        finding.text = arena_printf(
            arena,
            "%s The tenant is in %s mode: no new payment goes by this credential, which is %s.",
            finding.text, mode, credential->live ? "live" : "for tests");
    return finding;
}

static enum status test(struct call *call, const struct payments_state *state,
                        const struct setup *setup)
{
    const Obol__Payments__V1__TestCredentialRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__TestCredentialRequest);
    const struct credential *credential = setup_credential(setup, request->id);
    const struct provider *provider =
        credential ? providers_find(state->providers, credential->provider) : NULL;
    int64_t began_ns = clock_now_ns();
    if (!credential)
        return problem_not_found(&call->problem, "credential");
    if (!provider)
        return call_refuse(call, STATUS_FAILED_PRECONDITION, "provider_unknown", NULL,
                           "There is no provider %s any more.", credential->provider);
    struct credential_test test = {
        .provider = provider,
        .credential = credential,
        .currency = request->currency,
        .deadline_ns = call->context.deadline_ns - MARGIN_MS * NS_PER_MS,
    };
    struct credential_finding finding = credential_test(call->arena, &test);
    return answer(call, with_mode(call->arena, setup, credential, finding), began_ns);
}

enum status rpc_test_credential(void *context, struct call *call)
{
    struct worker *worker = context;
    const struct payments_state *state = worker->state;
    const char *tenant_id = call->context.tenant_id;
    const char *currency = CALL_REQUEST(call, Obol__Payments__V1__TestCredentialRequest)->currency;
    const struct setup *setup = NULL;
    enum status status = validate_tenant(tenant_id, &call->problem);
    if (status == STATUS_OK && currency[0])
        status = validate_currency(currency, &call->problem);
    if (status != STATUS_OK)
        return status;
    setups_forget(state->setups, tenant_id); // what is stored now is what is asked about
    status = setups_get(state->setups, worker->db, tenant_id, &setup);
    if (status != STATUS_OK)
        return call_refuse_status(call, status);
    status = test(call, state, setup);
    setup_release(setup);
    return status;
}
