"""Finding the one-time code in the text of an SMS, for messages whose provider names none.

The text is folded to small letters and ASCII digits; addresses, phone numbers, amounts, dates are blanked; every
cue word (``code``, ``call``, ``order`` ...) is read, and each number left is scored by the cues about it. The
best score wins if it is high enough. Each step is one pass with bounded look-around: time stays linear.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import groupby, islice, pairwise
from operator import attrgetter, itemgetter
from typing import Final, NamedTuple

_LONGEST: Final = 8  # digits of a code
_ENOUGH: Final = 5.0  # the score above which a number is believed to be a code
_NEVER: Final = 99.0  # a penalty that no cue makes good
_MOST: Final = 200  # how many numbers are weighed: no SMS holds so many
_REACH: Final = 170  # how far from a number, in characters, a cue is heard
_HEARD: Final = 16  # how many cues on each side of a number are weighed
_FADE: Final = 0.055  # what one character of distance takes from a cue
_NEARBY: Final = 28  # how far before its number, in characters, a word against it can stand

# What normalising leaves as it is. A full stop or comma of a script without spaces ends what stands before it.
_MARKS: Final = {
    **dict(zip("يىكةıłə’‘`·٪٬٫−\r\t", "ییکهile'''•%,.-\n ", strict=True)),
    **{char: f"{mark} " for char, mark in zip("،؛؟。।，、！？；", ",;?..,,!?;", strict=True)},
    "ـ": "",
}
_KINDS: Final = {"Sc": "$", "Pd": "-", "Zl": "\n", "Zp": "\n", "Zs": " ", "Cf": "", "Mn": "", "Mc": "", "Me": ""}


def _fold_char(char: str) -> str:
    """Give what one character stands for: small letters without accents, ASCII digits, plain marks."""
    if char in _MARKS:
        return _MARKS[char]
    parts = unicodedata.normalize("NFKD", char).casefold()
    return "".join(map(_fold_part, parts)) if len(parts) <= _LONGEST else " "


def _fold_part(char: str) -> str:
    kind = unicodedata.category(char)
    return str(unicodedata.decimal(char)) if kind == "Nd" else _KINDS.get(kind, _MARKS.get(char, char))


def _fold(text: str) -> str:
    # Character by character: normalising whole text re-orders accents, in quadratic time on hostile ones.
    return text.translate({ord(char): _fold_char(char) for char in set(text)})


# The vocabulary. "*" stands for further letters, "_" for an optional space or dash, "+" before an Arabic word for
# its article and one-letter prefixes; words of scripts without spaces stand anywhere. All are folded before use.
_CODE: Final = """*code codes kod* *kod *kode kodes код кода коду кодом коде коды کد کدتا* کدور* کدفع* کدشما کدها*
    کدی کدت کدمو* کوڈ کۆد +رمز* +کود +اکواد codigo* codice* codi codul* cod_de koodi* *koodi קוד κωδικ* კოდ* կոդ*
    代码 代碼 コード 코드 कोड কোড รหัส"""
_ONE_TIME: Final = """otp otps otc pin pins mobiletan pushtan itan etan tan mtan smstan *passcode* *password*
    *passwort* kennwort pwd vcode parol* парол* пин sifre* haslo heslo jelszo senha* contrasen* clave mot_de_passe
    token tac ma_xac* ma_kich* ma_dang* verification_number security_number wachtwoord sandi losenord* סיסמ* پسورد
    گذرواژه کلمه_عبور +پین کلمه_المرور کلمه_مرور کلمه_السر السری رقم_التحقق رقم_التاکید رقم_التفعیل 验证码 驗證碼
    校验码 校驗碼 动态码 動態碼 动态密码 動態密碼 确认码 確認碼 认证码 認證碼 激活码 啟用碼 安全码 随机码 识别码
    检验码 口令 密码 密碼 登录码 登入碼 短信码 授权码 验证代码 安全代码 確認コード 認証番号 確認番号 暗証番号
    パスワード 인증번호 비밀번호 ओटीपी पासवर्ड ওটিপি"""
_ACTION: Final = """verif* veriv* authent* authoriz* authoris* confirm confirmation confirming confirma* log_in
    log_into login* logon sign_in sign_into sign_up logging_in signing_in register registration activat* validat*
    validier* bestatig* anmeld* einlogg* verifizier* freischalt* connexion connecter inscription acceso acceder
    iniciar sesion seguridad acesso seguranca entrar masuk verifikasi konfirmasi security подтвержд* вход входа
    входе войти авториз* регистрац* активац* верифик* аутентиф* dogrula* onay* giris* aktivasyon* uyelik* تایید*
    ورود احراز* فعال_سازی عضویت ثبت_نام لوگین +تحقق +تاکید +تفعیل +دخول +توثیق 验证 驗證 登录 登錄 登入 注册 註冊
    认证 认證 身份 인증 로그인 認証 ログイン सत्यापन लॉगिन"""
_ENTER: Final = """use using enter entering type share insert input введите наберите укажите сообщите girin* gir
    kullan* وارد استفاده +ادخل +استخدم utilisez saisissez entrez utilise usa ingresa* introduce introduzca* masukkan
    gunakan digite informe verwende* eingeben 输入 填写 輸入 填寫 使用 दर्ज"""
_PHONE: Final = """call* dial* tel hotline helpline helpdesk fax toll support contact missed ussd звон* позвон* тел
    горяч* пропущ* поддержк* ara arayin* arayabilir* cagri* تماس تلفن پشتیبانی +اتصل +اتصال +هاتف +جوال للاستفسار
    +مکالمه llam* anruf* rufen appel* ligue ligar hubungi telp telepon 致电 致電 电话 電話 热线 熱線 客服 拨打 撥打
    请拨 咨询 详询 查询 कॉल 전화 고객센터"""
_DEED: Final = """transaction* transfer* purchase* payment* pay paid покупк* оплат* платеж* перевод* операци* odeme*
    islem* خرید انتقال پرداخت تراکنش +شراء +تحویل +عملیه +مشتریات pago* compra* paiement* zahlung* uberweisung*
    pembayaran* transaksi* transferencia* pagamento* acquisto*"""
_THING: Final = """*nummer *nr account* acct a/c acc card* ending ends order* tracking parcel* package* shipment*
    consignment awb waybill invoice* bill ticket* booking reservation flight train ref reference* txn trx trace utr
    rrn policy case claim complaint customer_id customer_no member* phone telephone loan balance bal amount amt
    total sum price fee debited credited withdrawn withdrawal deposit* spent win won prize save discount cashback
    bonus points number* num room gate street suite apt building plate bus version model year limit pnr imei iban
    mobile shop branch atm terminal worth only up_to id usd eur gbp inr rs sar aed egp rub tl rp idr kzt uah irr cny
    rmb php ngn kes tk qar omr kwd номер* счет* карт* заказ* посылк* отправлен* трек* накладн* квитанц* договор*
    баланс* сумм* итого остаток доступно списан* зачислен* пополнен* снятие цена стоимост* бонус* чек рейс билет*
    квартир* дом каб лимит долг задолж* телефон* заявлен* siparis* kargo* takip* fatura* bakiye* tutar* hesab*
    hesap* kart* bilet* rezervasyon* musteri* abone* borc* numara* puan* ucret* fiyat* referans* ucus* plaka* mersis
    basvuru* شماره* سفارش مرسوله بسته قبض شناسه حساب* کارت* مانده موجودی مبلغ واریز* برداشت* قیمت بدهی فاکتور پرواز
    بلیط پلاک اعتبار شارژ جایزه پیگیری رهگیری پرونده اشتراک واحد کدپستی +رقم +رصید* +حساب* +بطاقه* +طلب* +شحنه*
    +مبلغ +فاتوره* +رحله +تذکره +خصم +منتهیه +سعر +قیمه +ایداع +سحب +نقاط +فرع +لوحه konto* karte* bestell* sendung*
    paket* rechnung* betrag* kunden* saldo* pedido* cuenta* tarjeta* factura* tren envio* importe* commande* colis
    compte* carte* facture* montant* solde* cartao conta valor* rekening pesanan* resi tagihan* jumlah* nomor*
    kartu* numero* nummer* reserva* conto importo ordine spedizione ice tgv 尾号 尾號 订单 訂單 运单 快递 包裹 账户
    帐户 賬戶 卡号 余额 餘額 金额 金額 航班 积分 单号 編號 编号 号码 號碼 房间 车牌 取件码 取货码 提货码 优惠码
    兑换码 邀请码 券码 消费 支出 收入 转账 工号 खाता खाते राशि शेष ऑर्डर 주문 잔액 운송장 注文 残高 伝票"""
_NEXT_TO: Final = """no nr in on at to by from since until till before after на до с от в к со по به از تا الی حتی
    پیامک سامانه سرشماره an um bis ab al au aux le el il den vom am saat ساعت sal year года год г"""
_OTHER_CODE: Final = """conduct bill section article urun* sube نمایندگی مشترک فروش* محصول* +منتج* promo* discount
    coupon* voucher gift referral invit* tracking parcel shipment order booking reservation zip post postal area
    country error qr bar sort swift branch ifsc product item source dress reference agent customer store tax status
    заказ* отслеж* трек* скид* товар* бронир* ошибк* регион* города купон* почтов* услуг* промо* штрих* indirim*
    promosyon* kupon* kampanya* takip* kargo* siparis* rezervasyon* posta referans* davet* firsat* hediye* musteri*
    gonderi* kare رهگیری پیگیری ملی پستی تخفیف* دستوری معرف* دعوت مرسوله سفارش رزرو اشتراک مشتری* پرسنلی شعبه نوبت
    اگهی قبض ترمینال پذیرنده کالا هدیه پذیرش ارز* +خصم* +برید* +تتبع +شحن* +حجز +طلب +قسیمه +دعوه ترویجی
    promocional* barras descuento* seguimiento reserva pedido cupon suivi reduction avantage rastreio desconto
    sconto resi diskon rabatt* gutschein* aktion*"""
_GLUED: Final = "رمزارز* رمزگذار* رمزنگار* بارکد* pincode* unicode decode encode geocode kodak"
_ADVERT: Final = """sale discount* promo* coupon* voucher* cashback deal deals offer offers تخفیف* جشنواره скидк*
    акци* промокод* indirim* kampanya* firsat* +خصم +عروض rabatt* gutschein* descuento* oferta* remise* reduction
    desconto* diskon* promosi sconto 优惠 折扣 特价 促销"""
_UNIT: Final = """rial* irr irt toman* usd eur gbp try tl lira* rub rur руб* р грн uah kzt тенге тг сум som azn
    dollar* euro* sar aed egp inr rs rupee* rp idr cny rmb yuan pesos reais dh qar omr kwd php ngn млн тыс million*
    mln bn k ریال تومان تومن هزار میلیون میلیارد درهم جنیه دینار دولار لیره min mins minut* sec secs second* hour*
    hr hrs day days week* month* year* دقیقه ثانیه ساعت روز ماه هفته سال دقایق ثوانی ثوان یوم ایام اشهر мин* сек*
    час часа часов ден* дня днеи лет год* г мес* dk dakika* sn saniye* saat* gun* yil* ay sekunden stunde* tage
    segundo* hora* dia dias heure* jour* menit detik jam hari gb mb kb گیگ* مگ* гб мб km kg kwh points bonus puan*
    امتیاز балл* бонус* miles mbps off pm درصد people users customers items pcs шт نفر عدد kisi numarali nolu no_lu
    ile_biten ile_basla* numaraya gonder* sms yaz* ara aray* نمبر 元 块 圆 円 원 万 亿 分 秒 小时 小時 天 日 月 年
    时 点 點 人 次 积分 मिनट रुपये घंटे"""

_LETTER: Final = r"[^\W\d_]"


def _entry(word: str) -> tuple[str, str]:
    """Split a word of the vocabulary into the pattern of how it begins and of the rest of it."""
    body = re.escape(_fold(word.strip("*+"))).replace("_", "[ -]?")
    if word < "\u0900":
        body += rf"{_LETTER}{{0,24}}" if word[-1] == "*" else rf"(?!{_LETTER})"
    return (rf"{_LETTER}{{0,24}}", body) if word[0] == "*" else (body[0], body[1:])


def _any_of(words: str) -> str:
    plain = _alternation(_entry(word) for word in words.split() if word[0] != "+")
    arabic = _alternation(_entry(word) for word in words.split() if word[0] == "+")
    return plain + (rf"|(?:[وفبلک]?ال|لل|[وبلف])?(?:{arabic})" if arabic else "")


def _alternation(entries: Iterable[tuple[str, str]]) -> str:
    # Grouped by how they begin: the engine then passes over most of the words at one glance.
    groups = groupby(sorted(entries), key=itemgetter(0))
    return "|".join(f"{first}(?:{'|'.join(rest for _, rest in group)})" for first, group in groups)


# What a cue votes for a number beside it, and the sorts of cues that speak against one.
_STRENGTH: Final = {"secret": 11.0, "code": 10.0, "action": 4.0, "enter": 3.0}
_SURE: Final = frozenset({"secret", "code"})
_AGAINST: Final = frozenset({"phone", "deed", "thing", "near"})
_SORTS: Final = {
    # First, since it has to win over the words that it is made of: "promo code", "tracking-code", "barcode".
    "void": f"{_any_of(_GLUED)}|(?:{_any_of(_OTHER_CODE)})[ -]?(?:{_any_of(_CODE)})",
    "secret": _any_of(_ONE_TIME),
    "code": _any_of(_CODE),
    "phone": _any_of(_PHONE),
    "deed": _any_of(_DEED),
    "thing": _any_of(_THING),
    "action": _any_of(_ACTION),
    "enter": _any_of(_ENTER),
    "near": _any_of(_NEXT_TO),
}
_BEGIN: Final = rf"(?={_LETTER})(?:(?<!{_LETTER})|(?=[\u0900-\uffff]))"
_CUE: Final = re.compile(f"{_BEGIN}(?:{'|'.join(f'(?P<{sort}>{words})' for sort, words in _SORTS.items())})")
_ORDINAL: Final = re.compile(rf"(?:(?: {_LETTER}{{1,20}})? ?(?:no|num|number|номер|numara|شماره)(?!{_LETTER})\.?)?")
# What may follow a word for a code and take it back: "code postal", "password was changed", "code: A4F2Q9".
_TAKEN_BACK: Final = re.compile(
    rf"[ -](?:de |du |di |del |do |of |la )?(?:{_any_of(_OTHER_CODE)})"
    r"|(?: (?:was|were|is|has been|have been|success\w{0,10}|был|успешно|basariyla|عبور|شما|با موفقیت)){0,4}"
    r"(?: changed| updated|(?<=been) reset|(?<=was) reset| изменен| сменен| degistiril| تغییر|已修改|已更改|已重置)"
    r"|(?: ?(?::|=|is)\W{1,3}| (?![a-z0-9+/]{11}(?!\S)))(?:[a-z]{1,10}\d|\d{1,8}[a-z]{1,3}\d)"
)
_ADVERT_SIGN: Final = re.compile(rf"\d%|\d %(?!\w)|%\d|\d off|{_BEGIN}(?:{_any_of(_ADVERT)})")
_UNIT_AFTER: Final = re.compile(rf"(?:-|'[a-z]{{0,3}})? ?(?:{_any_of(_UNIT)})")
# Addresses; each can begin only where the run of its letters does, which keeps the search linear.
_ADDRESS: Final = re.compile(
    r"(?:https?://|www\.)[!-~]+|(?<![a-z0-9._%+-])[a-z0-9._%+-]+@[a-z0-9.-]+"
    r"|(?<![a-z0-9.-])(?!\d{4,8}\.)(?=[a-z0-9-]+\.)[a-z0-9.-]*[a-z](?::\d+)?[/?][!-~]*"
)
_END_OR_DECIMAL: Final = re.compile(r"(?<=\d{4})[,.](?=\d{1,2} ?(?:分|min|мин|dk|dakika|دقیقه|秒|sec))")
_RUN: Final = re.compile(r"\+?\d+(?:[-.,:/' ]\d+)*")
# "482913", "123-456", "1234 5678", "12 34 56", "4 8 2 9 1 3", "12-345"; none a part of something longer.
_NUMBER: Final = re.compile(
    r"(?<![\d~])(?<![\d~]-)(?:(?<!\d )(?:\d{3}[ -]\d{3}(?![ -]?\d{3})|\d{4}[ -]\d{4}|\d\d(?:[ -]\d\d){1,3}(?![ -]\d\d)"
    r"|\d(?:[ -]\d){3,7}(?![ -]\d)|(?:\d\d[ -]\d{3}|\d{3}[ -]\d\d|\d{3}[ -]\d{4}|\d{4}[ -]\d{3})(?! \d))|\d{4,8})"
    r"(?![\d~])(?!-[\d~])"
)
# "20240512", "12052024", "12-05-24", "05-2024", "2024", and the years of the Persian calendar.
_DATE: Final = re.compile(
    r"(?:19|20|13|14)\d\d(?:0[1-9]|1[0-2])[0-3]\d|[0-3]\d(?:0[1-9]|1[0-2])20[0-3]\d"
    r"|[0-3]?\d-[01]?\d-\d\d|[01]?\d-(?:20|14)\d\d|(?:19|20)\d\d|1[34]\d\d"
)
_HOURS: Final = re.compile(r"\d\d[ -]\d\d")  # "10-18", "12 30"
_STOP: Final = re.compile(r"[.!?](?=\s)")
_LINK: Final = re.compile(
    r"[\W_]{0,8}(?:(?:is|are|your|the|as|es|su|tu|e|est|votre|ist|ihr|dein|lautet|adalah|anda|это|ваш|dir|هو|هی|است|"
    r"شما|می باشد|میباشد|برابر|با|为|是|為|は|g)[\W_]{1,8}){0,3}(?:为|是|為|は)?[\W_]{0,2}"
)
_SEPARATED: Final = re.compile(r"(?:[:=>]|(?<![^\W_])(?:is|es|est|ist|adalah|هو|هی|это)|为|是|為|は)[\W_]*\Z")
_COPULA_AFTER: Final = re.compile(rf" ?(?:is|est|es|ist|adalah|هو|است|می ?باشد|है|'?d[iu]r)(?!{_LETTER})")
_CLAIMED: Final = re.compile(r"(?: [^\W\d]{1,16})?\W{1,3}\d{4}")
_TOUCHING: Final = re.compile(r" ?(?:[.:#] ?#?\n?)?")
_OR_BEFORE: Final = re.compile(r"[\d~]+ ?(?:or|and|oder|ou|или|и|ve|veya|یا|و|او|/) ?\Z")
_OWN_LINE: Final = (re.compile(r"\n[^\w\n]*\Z"), re.compile(r"[^\w\n]*\n"))
_NAMED: Final = re.compile(r"[^\d~]{1,40}[]:\n]\W{0,8}\d[\d -]{3,9}\W{0,8}|\s\d[\d -]{3,9}\n[^\n]{1,40}\n")
_WORD_BEFORE: Final = re.compile(r"[a-z\u0370-\u058f\u10a0-\u10ff]+([-/]?)\Z")
_WEB_OTP: Final = re.compile(r"@[a-z0-9.-]{3,60} #\Z")
_REJECT_BEFORE: Final = re.compile(r"(?:[+@_%\\•]|\$ ?|\d\) ?|[*•]{2} ?|\*)\Z")
_REJECT_AFTER: Final = re.compile(r"[_@+\\*%a-z\u0400-\u058f]| %(?![a-z])| ?\$|/[a-z]")
_BOLD_AFTER: Final = re.compile(r"\*{1,2}(?![\d*])")


class _Cue(NamedTuple):
    sort: str
    start: int
    end: int


def extract_code(text: str) -> str | None:
    """Find the one-time code in the text of an SMS.

    ``text`` is any text, in any script. The answer is 4 to 8 ASCII digits, the dashes and spaces inside the code
    left out, or None where the text seems to hold no code. Codes with letters in them are not looked for.
    """
    shortened = _ADDRESS.sub(lambda found: "~" * len(found[0]), _END_OR_DECIMAL.sub(", ", _fold(text)))
    folded = f"\n{_RUN.sub(_blank_run, shortened)}\n"
    numbers, cues = list(islice(_NUMBER.finditer(folded), _MOST)), list(_cues(folded))
    scored = ((_score(folded, cues, number), number) for number in numbers)
    score, best = max(scored, key=itemgetter(0), default=(-_NEVER, None))
    common = _common_bonus(folded, cues, alone=len(numbers) == 1)
    return _digits(best) if best and score + common > _ENOUGH else None


def _digits(number: re.Match[str]) -> str:
    return number[0].replace("-", "").replace(" ", "")


def _blank_run(run: re.Match[str]) -> str:
    """Put ``~`` in place of numbers no code looks like: phone and card numbers, dates, times, amounts."""
    groups = run[0].replace("-", " ").split(" ")
    short = all(len(group) <= _LONGEST // 2 and group.isdigit() for group in groups)
    dialled = run[0][0] == "0" and len(groups[0]) <= _LONGEST // 2 and len(groups) > 1 and groups[1].isdigit()
    if run[0][0] == "+" or ((short or dialled) and sum(map(len, groups)) > _LONGEST):
        return "~" * len(run[0])
    return " ".join(part if part.replace("-", "").isdigit() else "~" * len(part) for part in run[0].split(" "))


def _cues(text: str) -> Iterator[_Cue]:
    for found in _CUE.finditer(text):
        sort, end = str(found.lastgroup), found.end()
        if sort in _SURE and _TAKEN_BACK.match(text, end):
            sort = "void"
        elif sort in _SURE and (ordinal := _ORDINAL.match(text, end)):
            end = ordinal.end()
        yield _Cue("thing" if sort == "void" else sort, found.start(), end)


def _common_bonus(text: str, cues: list[_Cue], *, alone: bool) -> float:
    """Weigh what the text as a whole says for or against each of its numbers."""
    sorts = {cue.sort for cue in cues}
    beside = ({first.sort, second.sort} for first, second in pairwise(cues) if second.start <= first.end + 2)
    bonus = 1.0 if alone and sorts & _SURE else 0.0
    if not re.search(_LETTER, text):
        bonus += 2 * _ENOUGH  # a text which is just digits is a code
    if sorts <= _STRENGTH.keys() and _NAMED.fullmatch(text):
        bonus += _ENOUGH + 1  # "Snapp: 12345"
    if "secret" not in sorts and {"action", "code"} not in beside and _ADVERT_SIGN.search(text):
        bonus -= 11  # "code 5050 for 20% off", but not "login code"
    return bonus


def _score(text: str, cues: list[_Cue], number: re.Match[str]) -> float:
    """Weigh how much the number looks like the code."""
    split = bisect_left(cues, number.start(), key=attrgetter("start"))
    before, after = cues[max(0, split - _HEARD) : split], cues[split : split + _HEARD]
    left = max((_vote(text, cue, cue.end, number.start()) for cue in before), default=0.0)
    right = max((_vote(text, cue, number.end(), cue.start) for cue in after), default=0.0)
    votes = max(left, right, 0.0) + max(min(left, right), 0.0) / 2
    return votes + _shape(text, number) + _edges(text, before, number) - _against(text, before, number)


def _vote(text: str, cue: _Cue, start: int, end: int) -> float:
    """Weigh how strongly the cue speaks for a number at the other end of the gap from ``start`` to ``end``."""
    if cue.sort not in _STRENGTH or end - start > _REACH:
        return 0.0
    gap = text[start:end]
    lost = _FADE * len(gap) + 7 * len(_STOP.findall(gap)) + len(_RUN.findall(gap))
    if start > cue.start:
        linked = 3.0 if _LINK.fullmatch(gap) else 2.0 if _SEPARATED.search(gap[-12:]) else 0.0
    else:
        linked = (1.0 if _LINK.fullmatch(gap) else -1.0) - 3 * bool(_CLAIMED.match(text, cue.end))
    return _STRENGTH[cue.sort] + linked - lost


def _against(text: str, cues: list[_Cue], number: re.Match[str]) -> float:
    """Weigh how strongly the words before the number say that it is something else."""
    other = _OR_BEFORE.search(text, max(0, number.start() - 20), number.start())
    place = other.start() if other else number.start()  # "call 1515 or 8800" is said of both
    last = max((cue.end for cue in cues if cue.sort in {*_SURE, "enter"}), default=0)
    warnings = [cue for cue in cues if cue.sort in _AGAINST and last <= cue.start and cue.end <= place]
    weight = max((_weight_against(text, cue, place, cues) for cue in warnings), default=0.0)
    return weight / 3 if _COPULA_AFTER.match(text, number.end()) else weight


def _weight_against(text: str, cue: _Cue, place: int, cues: list[_Cue]) -> float:
    gap = text[cue.end : place]
    if cue.sort == "near":
        return 8.0 if _TOUCHING.fullmatch(gap) else 0.0
    said = _TOUCHING.match(gap)
    rest = gap[said.end() :] if said else gap
    if len(gap) > _NEARBY or {"\n", ","} & set(rest) or _STOP.search(rest) or _RUN.search(gap):
        return 0.0
    if cue.sort == "phone":
        return 9.0
    if any(other.sort in _SURE and not _STOP.search(text, other.end, cue.start) for other in cues):
        # "code for order 4821" names the order, "code for the order: 4821" the code.
        return 2.0 if cue.sort == "deed" else 4.0 if _SEPARATED.search(gap[-12:]) else 8.0
    return 2.0 if any(other.sort == "action" and other.start >= cue.end for other in cues) else 8.0


def _shape(text: str, number: re.Match[str]) -> float:
    """Weigh the number's own form: six digits or a line of its own speak for it, a date or hours against it."""
    score = {4: 0.5, 5: 0.5, 6: 1.0}.get(len(_digits(number)), 0.0)
    before, after = text[max(0, number.start() - 9) : number.start()], text[number.end() : number.end() + 9]
    if _OWN_LINE[0].search(before) and _OWN_LINE[1].match(after):
        score += 3
    if _DATE.fullmatch(number[0]):
        score -= 3.5
    if _HOURS.fullmatch(number[0]):
        score -= 3
    return score


def _edges(text: str, cues: list[_Cue], number: re.Match[str]) -> float:
    """Weigh the characters touching the number: letters, currency signs, masks, units."""
    end, before = number.end(), text[max(0, number.start() - 80) : number.start()]
    bold = before.endswith("*") and _BOLD_AFTER.match(text, end)
    if not bold and (_REJECT_BEFORE.search(before[-3:]) or _REJECT_AFTER.match(text, end)):
        return -_NEVER
    score = -9.0 if _UNIT_AFTER.match(text, end) else 0.0
    if _WEB_OTP.search(before):
        return score + 12
    if before.endswith(("#", "..")):
        return score - 3
    word = _WORD_BEFORE.search(before[-24:])  # "G-123456", "code1234", "AB-1234", "ECMC1234"
    if not word or (cues and cues[-1].end == number.start() - len(word[1])):
        return score
    return score + 6 if word[0] == "g-" else score - 3 if word[1] == "-" else -_NEVER
