#include <openssl/evp.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "crypto/internal.h"

#define PIECE_BYTES ((size_t)1 << 16)

DEFINE_CLEANUP(EVP_MD_CTX_free, EVP_MD_CTX *)

bool crypto_sha256_file(int fd, struct sha256 *ret)
{
    uint8_t piece[PIECE_BYTES];
    ssize_t n;
    CLEANUP(EVP_MD_CTX_free) EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (!digest || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
        crypto_die("sha256");
    while ((n = read(fd, piece, sizeof piece)) > 0)
        if (EVP_DigestUpdate(digest, piece, (size_t)n) != 1)
            crypto_die("sha256");
    if (n == 0 && EVP_DigestFinal_ex(digest, ret->at, NULL) != 1)
        crypto_die("sha256");
    return n == 0;
}
