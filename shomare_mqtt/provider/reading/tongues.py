"""Words of languages in Latin letters that sellers name fields in: Turkish, Chinese as pinyin, Russian transliterated.

Only what names money, phones, codes, texts, times and states, each as the English word that the readers' fields know;
a word counts as a whole alone, in the forms in which it stands in names.
"""

from __future__ import annotations

_MEANINGS = {
    "balance": "bakiye bakiyesi ostatok balans yue",
    "money": "para",
    "unit": "birim birimi",
    "price": "fiyat fiyati ucret ucreti cena ceny tsena stoimost jiage",
    "amount": "tutar tutari summa jine",
    "currency": "valyuta valuta huobi",
    "total": "toplam leiji",
    "spent": "harcama harcanan potracheno xiaofei",
    "frozen": "zamorozheno dongjie",
    "bonus": "bonusy jifen",
    "refund": "iade vozvrat tuikuan",
    "stock": "stok kucun",
    "count": "adet adedi kolichestvo shuliang",
    "id": "kimlik",
    "name": "adi isim ismi nazvanie imya ming mingcheng",
    "country": "ulke ulkesi strana strany guojia",
    "service": "hizmet hizmeti servis usluga xiangmu",
    "services": "hizmetler servisy uslugi",
    "countries": "ulkeler",
    "operators": "operatorler operatory",
    "operator": "yunyingshang",
    "phone": "telefon telefonu telefona shouji shoujihao",
    "number": "numara numarasi nomer haoma",
    "areacode": "quhao",
    "area": "alan",
    "code": "kodu",
    "order": "siparis siparisi zakaz zakaza dingdan",
    "orderno": "dingdanhao",
    "status": "durum durumu sostoyanie zhuangtai",
    "created": "olusturma olusturulma sozdan sozdano xiadan",
    "date": "tarihi",
    "time": "zamani vremya shijian",
    "remaining": "kalan ostalos shengyu",
    "seconds": "sekund sekundy miao",
    "minutes": "dakika minut minuty fenzhong",
    "elapsed": "proshlo",
    "message": "mesaj mesaji soobshchenie",
    "messages": "mesajlar soobshcheniya",
    "sms": "duanxin",
    "text": "metin metni tekst neirong",
    "verification": "onay dogrulama",
    "verificationcode": "yanzhengma",
    "sender": "gonderen otpravitel laiyuan",
    "received": "gelis polucheno",
    "response": "otvet",
    "list": "liebiao",
    "user": "kullanici polzovatel polzovatelya yonghu",
    "username": "yonghuming",
    "account": "hesap schet",
    "type": "leixing",
    "sort": "sira poryadok paixu",
}
_WORDS = {word: meaning for meaning, words in _MEANINGS.items() for word in words.split()}


def meaning(word: str) -> str | None:
    """What a word means in English; None where it is none of these."""
    return _WORDS.get(word)
