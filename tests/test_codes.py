"""Codes found in texts as services really write them, and numbers that are no code left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shomare_mqtt.core.codes import extract_code

ENGLISH = [
    ("482913", "482913"),
    (" 123-456 ", "123456"),
    ("Telegram code: 12345", "12345"),
    ("Login code: 12345. Do not give this code to anyone.\n\nIf you didn't request it, ignore this message.", "12345"),
    (
        "Telegram code 48213\n\nYou can also tap on this link to log in:\nhttps://t.me/login/99999\n\nO2P2z+/jBpJ",
        "48213",
    ),
    ("Your WhatsApp code: 391-204\nYou can also tap on this link: v.whatsapp.com/555555\n4sgLq1p5sV6", "391204"),
    ("G-482913 is your Google verification code.", "482913"),
    ("G-482913", "482913"),
    ("Use 123 456 to verify your Instagram account.", "123456"),
    ("<#> 48291 is your Facebook code Laz+nxCarLW", "48291"),
    ("[#][Uber] 4821 is your Uber code qlRnn4A1sbt", "4821"),
    ("Your Uber code is 4821. Never share this code. Reply STOP ALL to 89203 to unsubscribe", "4821"),
    ("[TikTok] 482913 is your verification code, valid for 5 minutes.", "482913"),
    ("Use 4821 as Microsoft account security code", "4821"),
    ("PayPal: Thanks for confirming your phone number. Your code is 482913 and expires in 10 minutes.", "482913"),
    ("Your Discord verification code is: 482913", "482913"),
    ("Steam Guard: your code is 48291. Purchase amount 1,250.00 USD", "48291"),
    ("Snapp: 12345", "12345"),
    ("Your verification code is:\n482913\n", "482913"),
    ("Verification code 12 34 56", "123456"),
    ("Code: 4 8 2 9 1 3", "482913"),
    ("Your code for order 12345 is 482913", "482913"),
    ("Your security code is 2024", "2024"),
    ("OTP482913 is for login", "482913"),
    ("Your OTP code is *482913*", "482913"),
    ("Hi! Your code:482913.Don't share", "482913"),
    ("482913 is your Example code.\n\n@example.com #482913", "482913"),
    ("@example.com #123456", "123456"),
    ("Your Apple Account code is: 482913. Do not share it.\n@apple.com #482913 %apple.com", "482913"),
    ("Customer, OTP for INR 2,499.00 at AMAZON on card ending 1234 is 482913. Not you? Call 18001080.", "482913"),
    ("OTP for txn of INR 2,499.00 at AMAZON on card ending 1234 is 482913. Valid till 12:30.", "482913"),
    ("482913 is the OTP for Rs. 1500.00 txn on your card XX1234. Valid for 10 mins. Do not share it", "482913"),
    ("Code: 482913\nOrder: 12345678\nAmount: 2500\nCard: *1234\nTel: 88776655", "482913"),
    ("Login attempt from 192.168.1.20 at 14:30 on 2024-05-12. Code: 482913", "482913"),
    ("Verification code for +98 912 345 6789: 482913", "482913"),
    ("Code expires in 10 minutes: 482913", "482913"),
    ("Chase: DON'T share. Use code 48291327 to sign in. Call 18009359935 if you didn't request it.", "48291327"),
    ("Verification: 482913", "482913"),
    ("Account verification: 482913", "482913"),
    ("Type 789012 to confirm", "789012"),
    ("Use 4821 for two-factor authentication on Facebook", "4821"),
    ("Please confirm the sign in on your new device\n\n482913\n\nIt works once, for ten days in all", "482913"),
    ("Thank you for your order\n4821 - code", "4821"),
    ("Samsung account: 482913 is your verification code.", "482913"),
    ("FB-48291 is your Facebook confirmation code", "48291"),
    ("2024 is your Zoom verification code.", "2024"),
    ("Enter 2024 on the page where you have asked for a new verification code", "2024"),
    ("Your OTP for order no: 12345 is 482913", "482913"),
    ("4️⃣8️⃣2️⃣1️⃣ is your code", "4821"),
]

PERSIAN = [
    ("کد تایید: 12345", "12345"),
    ("کد ورود شما به اسنپ: ۱۲۳۴۵", "12345"),
    ("اسنپ\nکد ورود: 482913\nاین کد را در اختیار دیگران قرار ندهید.\n\nJ6ADqIqvUjW", "482913"),
    ("کد تأیید دیجی‌کالا: ۴۸۲۹۱۳\nلغو۱۱", "482913"),
    ("دیوار\nکد ورود شما: 482913\n@divar.ir #QwErTyUi", "482913"),
    ("بانک ملت\nرمز پویا: 12345678\nمبلغ: 2,500,000 ریال\nپذیرنده: دیجی کالا\nزمان: 14:32:10", "12345678"),
    ("*بانک ملت*\nخرید\nمبلغ 2,500,000 ریال\nرمز 482913\nاعتبار تا 14:35:10", "482913"),
    ("رمز دوم پویا شما ۴۸۲۹۱۳۲ می‌باشد. مبلغ ۱۵۰۰۰۰۰ ریال", "4829132"),
    ("رمز خرید 482913 \nمبلغ 1,200,000 ریال کارت 6037***1234", "482913"),
    ("مبلغ: 2500000\nکارت: 1234\nکد پیگیری: 87654321\nرمز: 482913", "482913"),
    ("482913 کد فعال سازی شما در باسلام است.", "482913"),
    ("کاربر گرامی رمز یکبار مصرف شما 48291 می باشد", "48291"),
    ("کد ۴ رقمی ورود شما ۴۸۲۱ می‌باشد", "4821"),
    ("کد احراز هویت شما ۱۲۳۴۵۶ است. این کد تا ۲ دقیقه معتبر است. تلفن پشتیبانی: 02112345678", "123456"),
    ("کد تایید شما برای ثبت سفارش 4821 است", "4821"),
    ("شناسه ورود شما 48213 کد تایید 9921", "9921"),
    ("\u202bکد\u200cتایید شما: \u200e۴\u200c۸۲۹۱۳\u202c", "482913"),
]

RUSSIAN = [
    ("Никому не сообщайте код 4821. Покупка 1 250,00р", "4821"),
    ("Ваш код подтверждения: 123-456. Наберите его в поле ввода.", "123456"),
    ("VK: 482913 — код для входа. Никому не сообщайте его", "482913"),
    ("Пароль: 48291. Перевод 5000р с карты *1234 на карту *5678. НИКОМУ не сообщайте пароль. Сбербанк 900", "48291"),
    ("Вход в СберБанк Онлайн 12:30 12.05.24. Код: 48291. Если это не вы, позвоните на 900", "48291"),
    ("Код 4821 для оплаты 1500 RUB, OZON.", "4821"),
    ("Одноразовый пароль 4821. Операция на сумму 2 500,00 RUB, карта *1234. Тел. 8-800-555-35-35", "4821"),
    ("Используйте код 482913 для подтверждения заказа 123456789 в Ozon", "482913"),
    ("СМС-код: 482913 для подписания договора №12345678 от 12.05.2024", "482913"),
    ("Код для входа в личный кабинет МТС 4821", "4821"),
]

ARABIC = [
    ("رمز التحقق الخاص بك هو 482913", "482913"),
    ("رمز التحقق: ٤٨٢٩١٣ صالح لمدة ٥ دقائق", "482913"),
    ("كود التفعيل: 4821", "4821"),
    ("رمز الدخول لمرة واحدة 4821 لا تشاركه مع أي شخص. عملية شراء بمبلغ 250.00 ريال", "4821"),
    ("كلمة المرور المؤقتة: 482913\nالمبلغ: 1500 ريال\nبطاقة: *1234", "482913"),
    ("استخدم 4821 لتأكيد رقم جوالك في كريم", "4821"),
    ("الرقم السري لمرة واحدة هو ٤٨٢١", "4821"),
]

TURKISH = [
    ("Onay kodunuz: 482913", "482913"),
    ("482913 doğrulama kodunuz. Kimseyle paylaşmayın. B021", "482913"),
    ("Sayin Musterimiz, 1234 ile biten kartinizla 250,00 TL tutarindaki isleminiz icin sifreniz 482913.", "482913"),
    ("Tek kullanımlık şifreniz: 482913. Garanti BBVA 444 0 333", "482913"),
    ("GİRİŞ KODUNUZ 4821'DİR. TRENDYOL B002", "4821"),
    ("Ziraat Bankasi: 482913 sifresi ile islemi onaylayin. Ref: 12345678", "482913"),
    ("Aktivasyon kodunuz:4821 Mersis No:0123456789012345", "4821"),
]

CHINESE = [
    ("【支付宝】校验码：482913，5分钟内有效", "482913"),
    ("【微信】482913（微信验证码），请勿转发", "482913"),
    ("验证码482913,5分钟内有效【京东】", "482913"),
    ("【招商银行】您尾号1234的账户正在转账5000.00元，验证码482913，如非本人操作请致电95555", "482913"),
    ("【12306】用户注册专用验证码：482913。如非本人直接访问12306，请停止操作。", "482913"),
    ("動態密碼：４８２９１３，請於10分鐘內輸入", "482913"),
    ("尊敬的用户，您的动态密码是：4821。客服热线10086【中国移动】", "4821"),
]

OTHERS = [
    ("482913 es tu código de WhatsApp. No lo compartas", "482913"),
    ("BBVA: clave 4821 para tu compra de 25,50 EUR en AMAZON con tarjeta *1234", "4821"),
    ("Ihr Bestätigungscode lautet: 482913", "482913"),
    ("Ihre mobileTAN: 482913 für Überweisung 250,00 EUR auf Konto ...1234", "482913"),
    ("Votre code : 4821. Ne le communiquez à personne. Achat de 25,50€ chez FNAC carte 1234", "4821"),
    ("Seu código de verificação é 482913. Não compartilhe", "482913"),
    ("Kode verifikasi Anda adalah 482913. Berlaku 5 menit", "482913"),
    ("आपका ओटीपी ४८२९१३ है। इसे किसी के साथ साझा न करें", "482913"),
    ("認証コード：482913 有効期限は10分です", "482913"),
    ("[네이버] 인증번호 [482913]를 입력해주세요.", "482913"),
    ("Twój kod weryfikacyjny: 482913", "482913"),
    ("Ma xac nhan Shopee: 482913", "482913"),
]

NO_CODE = [
    "",
    "Hello",
    "12:30",
    "1,500,000",
    "2024-05-12",
    "09121234567",
    "+98 912 345 6789",
    "6037 9912 3456 7890",
    "$1500",
    "https://t.me/login/12345",
    "<#> FA+9qCX9VSu",
    "Your code is: 123456789",
    "Your Steam code is A4F2Q9, valid until 2024",
    "Your balance is 12500 IRR. Dial *140*11# to recharge.",
    "Dial *123*4821# now",
    "Your a/c XX1234 is debited for Rs 2500 on 12-05-24. Not you? Call 18002662. Never share OTP or PIN",
    "Your order #12345678 has been shipped. Track it: https://track.example.com/t/12345678",
    "DHL: Your parcel 1234567890 arrives today between 10:00-12:00. Tracking code: 12345678",
    "You have 2 missed calls from 09121234567, last at 14:30",
    "Appointment reminder: Dr. Smith 05/12/2024 at 2:30 PM. Reply C to confirm or call 555-1234",
    "SALE! 50% off everything until 12/05. Use promo code 5050 at checkout",
    "Use code 5050 at checkout and get 50% off your next 3 orders over 2000",
    "Call 18001234 if you did not request this code",
    "If you did not request this code, call 1515 or 88001234",
    "Your password was changed on 12 May 2024 at 14:30. If this wasn't you call 8001234",
    "Flight TK1234 departs 14:30 from gate 2045. PNR: 123456",
    "Text STOP to 12345 to unsubscribe",
    "Happy New Year 2024!",
    "Summer camp registration 2025 is open",
    "Registration 10-18 on Monday",
    "Registration #48213 received",
    "Your verification code was sent at 1430",
    "Your code stays valid for 1440 minutes",
    "PIN on device ECMC4821 is active",
    "Security reminder: banks never ask for passwords. Visit office 4821 for help",
    "Your zip code 90210 is not in the delivery area",
    "Your table for 4 at 19:30 is confirmed. Booking confirmation: 12345678",
    "مشترک گرامی، مانده اعتبار شما 12500 ریال است. *140#",
    "بانک ملی\nبرداشت: 1500000\nمانده: 2500000\nحساب 12345678\n03/05/12-14:32",
    "مرسوله شما با کد رهگیری 12345678 ارسال شد. تیپاکس",
    "نوبت شما ساعت 14:30 مورخ 1403/02/15 دکتر رضایی. تلفن 88776655",
    "۲ تماس از دست رفته از 09121234567 ساعت 14:30",
    "جشنواره تخفیف! 50% تخفیف تا 1403/02/15. کد تخفیف: 5050\nلغو11",
    "قبض تلفن\nشناسه قبض: 12345678\nشناسه پرداخت: 1234567\nمبلغ: 250000 ریال",
    "برای لغو عدد 1 را به 700000 ارسال نمایید",
    "کدام ساعت؟ 1430 خوبه؟ یکدیگر را 12345 ببینیم",
    "رمز عبور شما با موفقیت تغییر کرد. تاریخ 1403/05/20 ساعت 14:30",
    "ECMC1234 12:30 Покупка 500р MAGNIT Баланс: 12345.67р",
    "Пропущенный вызов от +79161234567 в 12:30 12.05.2024. Звонков: 2",
    "Ваш заказ 12345678 готов к выдаче. Пункт: ул. Ленина 1205",
    "Посылка 80084291234567 прибыла. Трек-код 12345678",
    "Скидка 50% по промокоду 5050 до 31.12.2024! Тел. 88001234",
    "Зачислено 25000 руб. на счет *1234. Доступно 125000 руб.",
    "Мошенники просят код из СМС. Звоните 900 или 88005555",
    "رصيدك الحالي 1250 ريال. للاستفسار اتصل 19999",
    "تم شحن طلبك رقم 12345678. رقم التتبع: 87654321",
    "خصم 50% باستخدام كود الخصم 5050 حتى 2024/12/31",
    "لا تشارك رمز التحقق مع أحد. للاستفسار 920001234",
    "Kalan bakiyeniz 1250 TL. Bilgi: 4440532",
    "12345678 numaralı siparişiniz kargoya verildi. Takip no: 87654321",
    "%50 indirim! INDIRIM kodu 5050 ile 31.12.2024'e kadar. Iptal icin RET yazip 4607'ye gonderin. B021",
    "Şifreniz değiştirildi. Bilginiz dışında ise 4440333'ü arayın.",
    "【中国移动】您的话费余额12.50元，详询10086",
    "【菜鸟驿站】您的包裹已到，取件码3-2-4021，地址：XX路1205号",
    "【工商银行】您尾号1234卡5月12日14:30支出2500元，余额12500.00元",
    "您的账户密码已修改，如非本人操作请致电95588",
    "优惠码5050，全场5折",
    "Su pedido 12345678 ha sido enviado. Código de seguimiento: 87654321",
    "Mit Gutscheincode 5050 sparen Sie 20 EUR bis 31.12.2024",
    "Votre colis 12345678 est disponible. Code postal 75001",
    "Seu pedido 12345678 saiu para entrega. Código de rastreio 87654321",
    "Sisa pulsa Anda Rp 12500. Hubungi 1500888",
    "आपके खाते 1234 में 2500 रुपये जमा। शेष 12500 रुपये",
]

WORDS = ["code", "Your verification code is", "OTP", "PIN", "Password", "کد تایید", "رمز پویا", "کد ورود", "код"]
WORDS += [
    "пароль",
    "رمز التحقق",
    "كود",
    "onay kodu",
    "şifre",
    "验证码",
    "校验码",
    "驗證碼",
    "código",
    "Bestätigungscode",
]
SCRIPTS = ["۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩", "０１２３４５６７８９", "०१२३४५६७८९"]
HOSTILE = ["1", "1 ", "1234 ", "code 1234, ", "a.", "a/", "http://", "a@", "*1234", "1-", "e\u0301\u0316", "کد 1234، "]
HOSTILE += ["码1234,", "promo" + "a" * 24 + " ", "\ufdfa", "\ud800", "\n", "call 1234 or ", "is 1234 "]
ASCII_DIGITS = "0123456789"

codes = st.text(ASCII_DIGITS, min_size=4, max_size=8)
pieces = st.sampled_from(
    [*WORDS, *"0123456789 -:.,/#*+@%$~\n", "1234", "482913", "call", "تا", "12.5", "\u200f", "\ud800"]
)
texts = st.text() | st.lists(pieces).map("".join)


@pytest.mark.parametrize(("text", "code"), [*ENGLISH, *PERSIAN, *RUSSIAN, *ARABIC, *TURKISH, *CHINESE, *OTHERS])
def test_the_code_is_found_among_other_numbers(text: str, code: str) -> None:
    assert extract_code(text) == code


@pytest.mark.parametrize("text", NO_CODE)
def test_numbers_that_are_no_code_are_left_alone(text: str) -> None:
    assert extract_code(text) is None


@given(texts)
def test_any_text_gives_a_code_of_ascii_digits_or_none(text: str) -> None:
    code = extract_code(text)
    assert code is None or (4 <= len(code) <= 8 and set(code) <= set(ASCII_DIGITS))


@given(texts, st.sampled_from(SCRIPTS))
def test_digits_of_every_script_read_the_same(text: str, script: str) -> None:
    assert extract_code(text.translate(str.maketrans(ASCII_DIGITS, script))) == extract_code(text)


@given(texts, st.sampled_from("\u200c\u200e\u200f\u202b\u2066\ufeff"), st.integers(0, 40))
def test_invisible_marks_change_nothing(text: str, mark: str, place: int) -> None:
    assert extract_code(text[:place] + mark + text[place:]) == extract_code(text)


@given(st.sampled_from(WORDS), st.sampled_from([": ", " ", ":", " - ", " is ", ":\n"]), codes)
def test_a_word_for_a_code_and_digits_are_a_code(word: str, link: str, code: str) -> None:
    assert extract_code(f"{word}{link}{code}") == code
    assert extract_code(f"{code} {word}") == code


@given(st.sampled_from(WORDS), st.text(ASCII_DIGITS, min_size=6, max_size=6), st.sampled_from("- "))
def test_a_code_in_two_halves_is_put_together(word: str, code: str, gap: str) -> None:
    assert extract_code(f"{word}: {code[:3]}{gap}{code[3:]}") == code


@pytest.mark.timeout(20)  # it takes some 20 to 100 ms; quadratic time would take minutes
@pytest.mark.parametrize("piece", HOSTILE)
def test_long_hostile_texts_take_linear_time(piece: str) -> None:
    text = piece * (65_536 // len(piece))
    assert extract_code(text) in (None, "1234")


def test_a_code_at_the_end_of_a_long_text_is_found() -> None:
    assert extract_code("filler text here " * 3_000 + "code: 482913") == "482913"
