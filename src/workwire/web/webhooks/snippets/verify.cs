using System;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

public static class Verify
{
    // Pass Webhook-Id, Webhook-Timestamp, Webhook-Signature and the body as it came, before anything parses it.
    public static bool IsOurs(string secret, string messageId, string timestamp, string signatures, byte[] body)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        if (!long.TryParse(timestamp, out var sent) || Math.Abs(now - sent) > 300) return false;
        var encoded = secret.StartsWith("whsec_", StringComparison.Ordinal) ? secret.Substring(6) : secret;
        using var hmac = new HMACSHA256(Convert.FromBase64String(encoded));
        var signed = Encoding.UTF8.GetBytes($"{messageId}.{timestamp}.").Concat(body).ToArray();
        var wanted = Encoding.UTF8.GetBytes("v1," + Convert.ToBase64String(hmac.ComputeHash(signed)));
        return signatures.Split(' ').Any(one =>
            CryptographicOperations.FixedTimeEquals(wanted, Encoding.UTF8.GetBytes(one)));
    }
}
