"""Texts as senders of many countries write them, kept apart from those that the extraction was built on."""

from __future__ import annotations

import pytest

from shomare_mqtt.core.codes import extract_code

CODES = [
    ("Getir'e giriş için onay kodun 8492.", "8492"),
    ("Your SIGNAL verification code is: 482-913", "482913"),
    ("МТС. Пароль 4829 действителен 10 минут", "4829"),
    ("Telegram kodu: 55201", "55201"),
    ("Your LinkedIn PIN is 482913", "482913"),
    ("Code: 839201\nhamrahe man", "839201"),
    ("رمز واتساب الخاص بك: 620-118\nلا تطلع أحداً عليه", "620118"),
    ("Your Uber code is 4829. Never share this code. Reply STOP ALL to +44 7903 561836 to unsubscribe.", "4829"),
    ("Microsoft access code: 5920", "5920"),
    ("PIN: 0482", "0482"),
    ("Signal code: 482913\nDo not share this code\n\ndoDiFGKPO1r", "482913"),
    ("کد شما در تپسی: ۴۸۲۹", "4829"),
    ("Your DoorDash verification code is 482913. Sent 11/25/2026 12:43", "482913"),
    ("Facebook: 482193 — твой код подтверждения", "482193"),
    ("علی\u200cبابا\nکد ورود: 48291", "48291"),
    ("کد تلگرام: ۲۹۴۸۱", "29481"),
    ("کد تایید دیجی\u200cکالا: ۸۳۹۲۰۱\n\n@www.digikala.com #839201", "839201"),
    ("Wise: Your code to log in is 482913. Only use it on wise.com. We'll never ask for it.", "482913"),
    ("Il tuo codice di verifica è 48291", "48291"),
    ("VK: 12311 — код для входа", "12311"),
    ("[eBay] 482913 is your security code. Do not share your code. Expires in 15 mins.", "482913"),
    ("همراه کارت: کد فعال سازی: 48291", "48291"),
    ("Max: 482913 — код для входа. Никому не говорите", "482913"),
    ("Your Coinbase 2-step verification code is 4829131. Don't share it; Coinbase will never call you.", "4829131"),
    ("Your WhatsApp Business code: 913-208\n\nDo not share", "913208"),
    ("G-720913 est votre code de validation Google.", "720913"),
    ("【LINE】認証番号:482913 をLINEで入力してください。他人には教えないでください。30分間有効です。", "482913"),
    ("Wallapop: tu código es 482913", "482913"),
    ("دیوار\nکد تأیید شما: ۵۹۲۰۱۳\n#592013\nلغو۱۱", "592013"),
    ("G-482131 is your Google verification code.", "482131"),
    ("Torob: کد ورود 48291 \n@torob.com #48291", "48291"),
    (
        "Telegram code: 48213\n\nYou can also tap on this link to log in:\nhttps://t.me/login/48213\n\noLeq9AcOZkT",
        "48213",
    ),
    ("Gojek: 4829 OTP kamu. JANGAN KASIH KE SIAPA PUN", "4829"),
    ("Zoho: 4829137 is your OTP. DO NOT share.", "4829137"),
    ("Meeting ID: 829 1034 4821 Passcode: 482913", "482913"),
    ("e-Devlet Kapısı giriş kodunuz: 482913 B002", "482913"),
    ("Use 4821 as your Microsoft account security code", "4821"),
    ("#Instagram 709 214 is your Instagram code. Don't share it. SIYRxKrru1t", "709214"),
    ("Yahoo: 482913 is your verification code", "482913"),
    (
        "【抖音】验证码 592013，用于手机验证码登录，5分钟内有效。验证码提供给他人可能导致帐号被盗，请勿泄露。",
        "592013",
    ),
    ("Garanti BBVA: 1.250,00 TL tutarindaki isleminiz icin sifreniz 482913. Ref:829103", "482913"),
    ("61234567 est votre code de récupération Facebook", "61234567"),
    ("Tu código de verificación es 482913. Caduca en 5 minutos.", "482913"),
    ("123456 is your Apple ID code. Don't share it with anyone. @apple.com #123456 %apple.com", "123456"),
]

NO_CODES = [
    "Your order #48291 is ready for pickup at 482 Main St.",
    "You have 3 new messages and 12 notifications.",
    "Ваша посылка 48213904 ожидает в пункте выдачи до 30.11",
    "You won $5000! Claim at http://bit.ly/829103 now",
    "Your appointment is on 25 Nov 2026 at 14:30. Reply C to confirm.",
    "Your package code 482 is not a thing - tracking no. 1Z999AA10123456784",
    "Your Uber is arriving in 3 minutes. Toyota 123ABC77.",
    "Welcome to Telegram! You have joined on 2026-11-25.",
    "Flight TK1234 on 25NOV departs 09:45 gate 214.",
    "Verification successful. Thank you for using our service since 2019.",
    "Black Friday! 50% off everything over $100. Reply STOP to 48213 to opt out.",
    "Call us on 0800 123 4567 for 24/7 support.",
    "Tu factura de 45,90 EUR vence el 05/12/2026. Referencia 48291038",
    "Ваш баланс: 482.91 руб. Пополните счет до 01.12.2026",
    "חבילה מספר RR123456789IL ממתינה לך בדואר עד 30.11",
    "تم خصم 482.91 ريال من حسابك رقم 4829****103 في 25/11/2026",
    "قبض برق شما 1,240,000 ریال شناسه قبض 1234567890123 شناسه پرداخت 48291031",
    "بانک ملی\nخرید:450,000-\nحساب:12004\nمانده:3,240,112\n0904-12:43",
    "کد تخفیف ویژه شما: OFF50 تا ۱۴۰۴/۰۹/۱۰",
    "T-Mobile: Your bill of $48.29 is due 12/05. Pay at t-mo.co/pay or dial *PAY",
    "Airtel: You have used 50% of 1.5GB daily data. Recharge with Rs 299 plan. Dial 121",
    "Votre colis 6A12345678901 sera livré le 25/11 entre 12h et 14h",
    "ALERT: A charge of $482.91 was made on card ending 4821. Reply YES or NO. Msg 829103",
    "A new sign-in to your account from Windows 11, Chrome 131 at 12:43 UTC. If this wasn't you call 1-800-555-0199.",
]


@pytest.mark.parametrize(("text", "code"), CODES)
def test_the_code(text: str, code: str) -> None:
    assert extract_code(text) == code


@pytest.mark.parametrize("text", NO_CODES)
def test_numbers_and_no_code(text: str) -> None:
    assert extract_code(text) is None
