"""What `make up` prints of mobile payment: lines to paste into a shell, by which an order is paid at the twin of WeChat."""

from __future__ import annotations

from collections.abc import Mapping

from tools.cli.language import ENGLISH, Words
from tools.sandbox_keys import INSTITUTION, PERSON, key_of

_PERSON_NAME, _PERSON_CERT = "测试人员", "990000199001010011"
_ITEM, _PRICE_FEN = "XTESTDRUG0001", 300_000


def how_to_pay(url: str, twins: Mapping[str, str], words: Words = ENGLISH) -> str:
    """Where the twins are, and an order from the person's authorisation to the answer that it is paid."""
    places = "   ".join(f"{name} {place}" for name, place in twins.items())
    steps = "\n".join(f"    {line}" for line in pasted(url, twins["wechat"]))
    said = "Pay an order: the person authorises, the hospital saves, places and asks, the person pays in WeChat (paste all lines)"
    return f"  {words('Twins')}   {places}\n\n  {words(said)}\n{steps}\n"


def pasted(url: str, wechat: str) -> list[str]:
    """The lines; the last one prints the order as paid. Whole numbers of amounts are fen."""
    desk = f'"desk":{{"fixmedinsCode":"{INSTITUTION}","mdtrtareaAdmvs":"990100"}}'
    line = (
        '"orderLineSn":"P1","chrgBchno":"\'$N\'","feeOcurTime":"\'$NOW\'",'
        f'"medListCodg":"{_ITEM}","medinsListCodg":"{_ITEM}","cnt":"1","pric":"{_PRICE_FEN / 100:.2f}",'
        f'"detItemFeeSumamtFen":"{_PRICE_FEN}","bilgDeptCodg":"A01","bilgDeptName":"内科","bilgDrCodg":"D99010000001",'
        '"bilgDrName":"测试医师"'
    )
    bill = (
        f'"orgCodg":"{INSTITUTION}","psnNo":"{PERSON}","insutype":"310","medOrgOrd":"\'$N\'","begntime":"\'$NOW\'",'
        f'"idNo":"{_PERSON_CERT}","userName":"{_PERSON_NAME}","idType":"01","payAuthNo":"\'$AUTH\'","iptOtpNo":"\'$N\'",'
        f'"deptName":"内科","medType":"MED_TYPE_OUTPATIENT","feeType":"01","medfeeSumamtFen":"{_PRICE_FEN}",'
        f'"psnSetlway":"01","chrgBchno":"\'$N\'","feedetailList":[{{{line}}}]'
    )
    named = '"payOrdId":"\'$ORDER\'","payToken":"\'$TOKEN\'"'
    how = (
        f'{named},"channel":"CHANNEL_KIND_WECHAT","payForm":"PAY_FORM_MIXED","userNo":"oTestPayer","payAuthNo":"\'$AUTH\'",'
        f'"payer":{{"name":"{_PERSON_NAME}","certNo":"{_PERSON_CERT}","certType":"01"}},"location":"102.682296,25.054260"'
    )
    auth = f'"requestId":"\'$N\'","psnNo":"{PERSON}","fixmedinsCode":"{INSTITUTION}"'
    wanted = f'{named},"orgCodg":"{INSTITUTION}"'
    placed = f'{wanted},"mdtrtId":"\'$VISIT\'"'
    return [
        'N=C$(date +%s); NOW=$(date -u +%FT%TZ); named() { sed "s/.*\\"$1\\": *\\"\\([^\\"]*\\).*/\\1/"; }',
        f'post() {{ curl -s {url}$1 -H "Authorization: Bearer $2" -d "$3"; }}; HOSP={key_of("institution", INSTITUTION)}',
        f"AUTH=$(post /v1/own/payment-authorisations {key_of('person', PERSON)} '{{{auth}}}' | named payAuthNo)",
        f'SAVED=$(post /v1/pay-orders $HOSP \'{{"requestId":"\'$N\'",{desk},"data":{{{bill}}}}}\')',
        'ORDER=$(echo "$SAVED" | named payOrdId); TOKEN=$(echo "$SAVED" | named payToken)',
        'VISIT=$(echo "$SAVED" | named mdtrtId)',
        f'post /v1/pay-orders:place $HOSP \'{{"requestId":"\'$N\'-2",{desk},"data":{{{placed}}}}}\'; echo',
        f'CHARGE=$(post /v1/pay-orders:pay $HOSP \'{{"requestId":"\'$N\'-3",{desk},"data":{{{how}}}}}\' | named chargeNo)',
        f'PAYS=$(curl -s {wechat}/_twin/pay -d \'{{"out_trade_no":"\'$CHARGE\'"}}\'); echo "$PAYS"',
        f"found() {{ post /v1/pay-orders:get $HOSP '{{{desk},\"data\":{{{wanted}}}}}'; }}",
        'for i in $(seq 20); do FOUND=$(found); case $FOUND in *_PAID*) break;; esac; sleep 0.5; done; echo "$FOUND"',
    ]
